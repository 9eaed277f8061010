import { CanActivate, ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { TenantContext } from '../../platform/database/tenant-context';
import { PaymentRequirement } from './payment-requirement';

/** Closes a route to tenants whose payment is overdue (402); in the grace they pass, with x-payment-warning. */
@Injectable()
export class PaymentRequiredGuard implements CanActivate {
  constructor(
    private readonly payments: PaymentRequirement,
    private readonly tenantContext: TenantContext,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const warning = await this.payments.enforcePaid(this.tenantContext.tenantId);
    if (warning !== null)
      void context.switchToHttp().getResponse<FastifyReply>().header('x-payment-warning', warning);
    return true;
  }
}
