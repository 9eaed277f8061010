import { Injectable } from '@nestjs/common';
import { AuditAction } from '../../contracts/audit';
import { BillingError } from '../../contracts/errors';
import { AuditRecorder } from '../../platform/audit/audit-recorder';
import { Clock } from '../../platform/clock';
import { Database } from '../../platform/database/database';
import { TenantContext } from '../../platform/database/tenant-context';
import { Outbox } from '../../platform/outbox/outbox';
import { PlanCache } from './plan-cache';
import { Plan } from './plan';
import { toPlanView } from './plan.dto';
import { PlansRepository } from './plans.repository';

/** What a change of a plan is called in the audit log. */
type PlanAction = Extract<AuditAction, 'PLAN_CREATED' | 'PLAN_UPDATED' | 'PLAN_DEACTIVATED'>;

/**
 * Records plans: the row, its audit entry and its event in one transaction, then the end of what caches hold.
 * The one door for operators and for the Stripe sync.
 */
@Injectable()
export class PlanRecorder {
  constructor(
    private readonly plans: PlansRepository,
    private readonly cache: PlanCache,
    private readonly database: Database,
    private readonly tenantContext: TenantContext,
    private readonly audit: AuditRecorder,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** @throws BillingError already_exists, when the slug or the Stripe price is taken */
  async recordNewAcrossTenants(plan: Plan): Promise<Plan> {
    await this.inPlansStream(plan, async () => {
      try {
        await this.plans.addAcrossTenants(plan);
      } catch (error) {
        throw asTaken(error);
      }
      await this.tell('PLAN_CREATED', null, plan);
    });
    return plan;
  }

  /**
   * Writes `after` over `before` and gives it the next version.
   * @throws BillingError version_conflict, when `before` is no longer the current version; already_exists
   */
  async recordChangeAcrossTenants(before: Plan, after: Plan, action: PlanAction): Promise<Plan> {
    const changed: Plan = { ...after, version: before.version + 1, updatedAt: this.clock.now() };
    await this.inPlansStream(changed, async () => {
      try {
        if (!(await this.plans.replaceAcrossTenants(changed, before.version)))
          throw new BillingError('version_conflict');
      } catch (error) {
        throw asTaken(error);
      }
      await this.tell(action, before, changed);
    });
    return changed;
  }

  private async tell(action: PlanAction, before: Plan | null, after: Plan): Promise<void> {
    const view = { ...toPlanView(after) };
    const previous = before && changedMembers({ ...toPlanView(before) }, view);
    await this.outbox.record({
      type: 'plan.updated',
      aggregateType: 'plan',
      aggregateId: after.id,
      data: view,
      previous,
    });
    await this.audit.record({
      action,
      targetType: 'plan',
      targetId: after.id,
      before: before && { ...toPlanView(before) },
      after: view,
    });
  }

  /** Public plans are told in the system's stream, an enterprise plan in that of its tenant. */
  private async inPlansStream(plan: Plan, work: () => Promise<void>): Promise<void> {
    if (this.database.isInTransaction)
      throw new Error('plans are recorded in a transaction of their own: caches end after its commit');
    await this.database.acrossTenants(() =>
      plan.tenantId === null ? work() : this.tenantContext.run(plan.tenantId, work),
    );
    await this.cache.invalidate();
  }
}

function changedMembers(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(before).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(after[key])),
  );
}

/** A unique key that was taken meanwhile (SQLSTATE 23505), in the words of the catalogue. */
function asTaken(error: unknown): unknown {
  if ((error as { code?: unknown } | null)?.code !== '23505') return error;
  return new BillingError('already_exists', {
    detail: 'A plan with this slug or Stripe price exists.',
    cause: error,
  });
}
