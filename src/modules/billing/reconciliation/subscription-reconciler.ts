import { Injectable } from '@nestjs/common';
import { StripeSubscriptionId, TenantId } from '../../../contracts/ids';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Lifecycle } from '../../../platform/lifecycle';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { ListedSubscription, ReconciliationGateway } from '../../../stripe/reconciliation-gateway';
import { TenantsService } from '../../tenants/tenants.service';
import { BillingsRepository } from '../subscriptions/billings.repository';
import { SubscriptionSync } from '../subscriptions/subscription-sync';
import { SubscriptionReport } from './stripe-reconciliation.entity';

/**
 * The second net below the events: lists all subscriptions of the account and mends every mirror that says
 * something else. What we mirror and Stripe does not have is told to people: no rule can say what it means.
 */
@Injectable()
export class SubscriptionReconciler {
  private readonly logger = new Logger('reconciliation');

  constructor(
    private readonly gateway: ReconciliationGateway,
    private readonly sync: SubscriptionSync,
    private readonly billings: BillingsRepository,
    private readonly tenants: TenantsService,
    private readonly tenantContext: TenantContext,
    private readonly lifecycle: Lifecycle,
    private readonly metrics: Metrics,
  ) {}

  /**
   * One whole walk; it may stop anywhere and run again.
   * @throws BillingError stripe_unavailable; what was mended until then stays
   */
  async reconcileAll(): Promise<SubscriptionReport> {
    const report: SubscriptionReport = { listed: 0, missing: 0, stale: 0, absent: 0, foreign: 0, failed: 0 };
    const mirrored = await this.billings.runningAcrossTenants();
    const seen = new Set<StripeSubscriptionId>();
    let after: string | null = null;
    do {
      const page = await this.gateway.subscriptions(after);
      for (const listed of page.rows) {
        if (this.lifecycle.isStopping) throw new Error('stopped in the middle of the walk');
        seen.add(listed.id);
        await this.reconcile(listed, report);
      }
      report.listed += page.rows.length;
      after = page.after;
    } while (after !== null);
    for (const { tenantId, id } of mirrored) if (!seen.has(id)) await this.lookFor(tenantId, id, report);
    for (const kind of ['missing', 'stale', 'absent'] as const)
      this.metrics.stripeDrift.inc({ kind }, report[kind]);
    this.logger.info('reconciliation.done', { ...report });
    return report;
  }

  private async reconcile(
    { id, customerId, snapshot }: ListedSubscription,
    report: SubscriptionReport,
  ): Promise<void> {
    const tenantId = await this.tenants.findByStripeCustomerAcrossTenants(customerId);
    if (!tenantId) {
      report.foreign += 1;
      return;
    }
    if (!snapshot) return this.fail(id, new Error('a subscription of an unknown shape'), report);
    try {
      const found = await this.tenantContext.run(tenantId, () => this.sync.reconcile(snapshot));
      if (found !== 'current') report[found] += 1;
    } catch (error) {
      // One that fails must not keep the others from being mended.
      this.fail(id, error, report);
    }
  }

  /** It may have been made or ended while the list was read; only Stripe's "no such thing" makes it absent. */
  private async lookFor(
    tenantId: TenantId,
    id: StripeSubscriptionId,
    report: SubscriptionReport,
  ): Promise<void> {
    try {
      if (await this.tenantContext.run(tenantId, () => this.sync.sync(id))) return;
    } catch (error) {
      return this.fail(id, error, report);
    }
    report.absent += 1;
    this.metrics.alarms.inc({ kind: 'subscription_absent' });
    this.logger.warn('reconciliation.absent', { subscription: id, tenant: tenantId });
  }

  private fail(id: StripeSubscriptionId, error: unknown, report: SubscriptionReport): void {
    report.failed += 1;
    this.metrics.alarms.inc({ kind: 'reconciliation_failed' });
    this.logger.error('reconciliation.failed', error, { subscription: id });
  }
}
