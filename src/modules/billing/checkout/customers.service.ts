import { Injectable, OnModuleInit } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { StripeCustomerId } from '../../../contracts/ids';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { BillingGateway, CustomerRequest } from '../../../stripe/billing-gateway';
import { StripeOperations } from '../../../stripe/operations/stripe-operations';
import { TenantsService } from '../../tenants/tenants.service';

/** The tenant's customer in Stripe: exactly one, made when it is first needed. */
@Injectable()
export class CustomersService implements OnModuleInit {
  constructor(
    private readonly tenants: TenantsService,
    private readonly operations: StripeOperations,
    private readonly gateway: BillingGateway,
    private readonly audit: AuditRecorder,
  ) {}

  onModuleInit(): void {
    this.operations.handle<CustomerRequest>('customers.create', {
      send: (persisted, key) => this.gateway.createCustomer(persisted, key),
      find: (persisted) => this.gateway.findCustomer(persisted),
      settled: (customerId) => this.record(customerId as StripeCustomerId),
    });
  }

  /** @throws BillingError stripe_unavailable */
  async ensure(): Promise<StripeCustomerId> {
    const tenant = await this.tenants.current();
    if (tenant.stripeCustomerId) return tenant.stripeCustomerId;
    const request: CustomerRequest = { tenantId: tenant.id, name: tenant.name, email: tenant.email };
    const customerId = (await this.operations.once({
      intent: 'customer',
      kind: 'customers.create',
      request,
    })) as StripeCustomerId;
    return this.record(customerId);
  }

  @Transactional()
  protected async record(customerId: StripeCustomerId): Promise<StripeCustomerId> {
    const before = await this.tenants.lockCurrent();
    if (before.stripeCustomerId) return before.stripeCustomerId;
    await this.tenants.setStripeCustomer(customerId);
    await this.audit.record({
      action: 'STRIPE_CUSTOMER_CREATED',
      targetType: 'tenant',
      targetId: before.id,
      after: { stripe_customer_id: customerId },
    });
    return customerId;
  }
}
