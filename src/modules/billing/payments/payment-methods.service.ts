import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { AuditAction } from '../../../contracts/audit';
import { BillingError } from '../../../contracts/errors';
import { isLive } from '../../../domain/subscription-status';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { PaymentsGateway } from '../../../stripe/payments-gateway';
import type { PaymentMethodSnapshot } from '../../../stripe/snapshots';
import { TenantsService } from '../../tenants/tenants.service';
import { conflict } from '../changes/change-planner';
import { CustomersService } from '../checkout/customers.service';
import { BillingsRepository } from '../subscriptions/billings.repository';
import { PaymentMethodView, SetupView } from './payments.dto';

/** How a tenant pays. Read live: Stripe is the only one who holds it. */
@Injectable()
export class PaymentMethods {
  constructor(
    private readonly payments: PaymentsGateway,
    private readonly customers: CustomersService,
    private readonly tenants: TenantsService,
    private readonly billings: BillingsRepository,
    private readonly audit: AuditRecorder,
  ) {}

  async setUp(): Promise<SetupView> {
    const { id, clientSecret } = await this.payments.setUp(await this.customers.ensure());
    return { id, client_secret: clientSecret };
  }

  /** Newest first; none for a tenant without a customer. */
  async list(): Promise<PaymentMethodView[]> {
    const { stripeCustomerId } = await this.tenants.current();
    if (!stripeCustomerId) return [];
    const chosen = await this.payments.defaultMethod(stripeCustomerId);
    return (await this.payments.methods(stripeCustomerId)).map((method) => toView(method, chosen));
  }

  /** @throws BillingError not_found */
  async makeDefault(id: string): Promise<PaymentMethodView[]> {
    await this.own(id);
    const { stripeCustomerId } = await this.tenants.current();
    await this.payments.makeDefault(stripeCustomerId!, id);
    await this.record('PAYMENT_METHOD_DEFAULTED', id);
    return this.list();
  }

  /** @throws BillingError not_found; state_conflict for the last one while a paid subscription runs */
  async remove(id: string): Promise<PaymentMethodView[]> {
    const all = await this.own(id);
    const live = await this.billings.live();
    const isNeeded = live?.stripeSubscriptionId && isLive(live.status) && !live.cancelAtPeriodEnd;
    if (all.length === 1 && isNeeded)
      throw conflict(
        'last_payment_method',
        'The running subscription is charged to it. Add another one first.',
      );
    await this.payments.detach(id);
    await this.record('PAYMENT_METHOD_REMOVED', id);
    return this.list();
  }

  /**
   * All of the tenant's, if this is one of them.
   * @throws BillingError not_found, the same for a foreign and an unknown one
   */
  async own(id: string): Promise<PaymentMethodView[]> {
    const all = await this.list();
    if (!all.some((method) => method.id === id)) throw new BillingError('not_found');
    return all;
  }

  @Transactional()
  protected async record(action: AuditAction, targetId: string): Promise<void> {
    await this.audit.record({ action, targetType: 'payment_method', targetId });
  }
}

function toView(method: PaymentMethodSnapshot, chosen: string | null): PaymentMethodView {
  return {
    id: method.id,
    type: method.type,
    brand: method.brand,
    last4: method.last4,
    exp_month: method.expMonth,
    exp_year: method.expYear,
    is_default: method.id === chosen,
    created_at: method.createdAt.toISOString(),
  };
}
