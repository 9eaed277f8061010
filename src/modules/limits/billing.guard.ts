import { CanActivate, ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TenantContext } from '../../platform/database/tenant-context';
import { checkWarning } from './limit-answer';
import { FeatureRequirement } from './feature-requirement';
import { PaymentRequiredGuard } from './payment-required.guard';
import { PaymentRequirement } from './payment-requirement';
import { PlanLimitService } from './plan-limit.service';
import { FEATURE_REQUIRED, LIMIT_REQUIRED, LimitRequirement } from './requirement-keys';

/**
 * Opens a route to tenants that have a plan or a trial, owe nothing overdue, and have what @RequiresFeature and
 * @RequiresLimit name. Within its allowance a valid trial is never refused. What cannot be found out is not
 * allowed: the error rises and is answered 503.
 */
@Injectable()
export class BillingGuard implements CanActivate {
  /** A guard on the class and one by a decorator are one question. */
  private readonly passed = new WeakSet<FastifyRequest>();

  constructor(
    private readonly paid: PaymentRequiredGuard,
    private readonly payments: PaymentRequirement,
    private readonly features: FeatureRequirement,
    private readonly planLimits: PlanLimitService,
    private readonly tenantContext: TenantContext,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (this.passed.has(request)) return true;
    await this.paid.canActivate(context);
    const { tenantId } = this.tenantContext;
    const places = [context.getHandler(), context.getClass()];
    const feature = this.reflector.getAllAndOverride<string | undefined>(FEATURE_REQUIRED, places);
    if (feature !== undefined) await this.features.enforce(tenantId, feature);
    const limit = this.reflector.getAllAndOverride<LimitRequirement | undefined>(LIMIT_REQUIRED, places);
    if (limit === undefined) await this.payments.enforceEntitled(tenantId);
    else {
      const check = await this.planLimits.enforceLimit(tenantId, limit.metric, limit.count);
      const warning = checkWarning(check);
      if (warning !== null)
        void context.switchToHttp().getResponse<FastifyReply>().header('x-limit-warning', warning);
    }
    this.passed.add(request);
    return true;
  }
}
