import { Inject, Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { BillingError } from '../../../contracts/errors';
import {
  ALL_METRICS,
  AlertRule,
  defaultLevels,
  isReached,
  levelsOf,
  severityOf,
} from '../../../domain/usage-alerts';
import { ALWAYS_START } from '../../../domain/usage-period';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { TenantContext } from '../../../platform/database/tenant-context';
import { EntitlementsMemory, HeldEntitlements, limitHeld } from '../../entitlements/entitlements-memory';
import { MetersMemory } from '../../pricing/meters-memory';
import { TenantsService } from '../../tenants/tenants.service';
import { AlertRulesRepository, KeptRule } from './alert-rules.repository';
import { AlertsView, ReachedAlertView } from './alerts.dto';
import { UsageAlertEntity } from './usage-alert.entity';
import { UsageAlertsRepository } from './usage-alerts.repository';
import { UsageCounts } from '../ledger/usage-counts';
import { toJson } from '../recording/usage-result';

/** The alert rules of the tenant in the context, and what it has reached. */
@Injectable()
export class AlertsService {
  constructor(
    private readonly rules: AlertRulesRepository,
    private readonly alerts: UsageAlertsRepository,
    private readonly counts: UsageCounts,
    private readonly entitlements: EntitlementsMemory,
    private readonly meters: MetersMemory,
    private readonly tenants: TenantsService,
    private readonly context: TenantContext,
    private readonly audit: AuditRecorder,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async view(): Promise<AlertsView> {
    const rules = await this.rules.all();
    const held = await this.entitlements.of(this.context.tenantId);
    const reached = await this.alerts.ofPeriods([held.current.period.start, ALWAYS_START]);
    return {
      rules: this.inForce(rules),
      reached: await Promise.all(reached.map((alert) => this.reachedView(alert, rules, held))),
    };
  }

  /**
   * Makes these all rules of the tenant.
   * @throws BillingError unknown_meter, unprocessable (a cap has no usage)
   */
  async replace(rules: readonly AlertRule[]): Promise<AlertsView> {
    await this.refuseUncounted(rules);
    await this.write(
      rules.map(({ metric, levels }) => ({ metric, levels: levels.map((level) => ({ ...level })) })),
    );
    return this.view();
  }

  @Transactional()
  protected async write(rules: readonly AlertRule[]): Promise<void> {
    const { id } = await this.tenants.lockCurrent();
    const before = await this.rules.all();
    await this.rules.replaceAll(rules, this.clock.now());
    await this.audit.record({
      action: 'ALERT_RULES_CHANGED',
      targetType: 'alert_rules',
      targetId: id,
      before: { rules: before.map(({ metric, levels }) => ({ metric, levels })) },
      after: { rules },
    });
  }

  private async refuseUncounted(rules: readonly AlertRule[]): Promise<void> {
    for (const [at, { metric }] of rules.entries()) {
      if (metric === ALL_METRICS) continue;
      const meter = await this.meters.find(metric);
      const pointer = `/rules/${at}/metric`;
      if (meter === null)
        throw new BillingError('unknown_meter', {
          errors: [{ pointer, code: 'unknown_meter', message: 'No meter has this key.' }],
        });
      if (meter.kind === 'cap')
        throw new BillingError('unprocessable', {
          detail: 'This metric is a cap: nothing is counted for it.',
          errors: [{ pointer, code: 'read_only_metric', message: 'Nothing is counted for a cap.' }],
        });
    }
  }

  private inForce(rules: readonly KeptRule[]): AlertsView['rules'] {
    const chosen = rules.map(({ metric, levels, updatedAt }) => ({
      metric,
      levels: levels.map(({ percent, channels }) => ({ percent, channels: [...channels] })),
      updated_at: updatedAt.toISOString() as string | null,
    }));
    if (rules.some(({ metric }) => metric === ALL_METRICS)) return chosen;
    const levels = defaultLevels(this.config.usage.warningPercent);
    const forAll = levels.map(({ percent, channels }) => ({ percent, channels: [...channels] }));
    return [{ metric: ALL_METRICS, levels: forAll, updated_at: null }, ...chosen];
  }

  private async reachedView(
    alert: UsageAlertEntity,
    rules: readonly AlertRule[],
    held: HeldEntitlements,
  ): Promise<ReachedAlertView> {
    const { metricName: metric, periodStart, percent } = alert;
    const { gracePercent, warningPercent } = this.config.usage;
    const { period } = held.current;
    const isGauge = periodStart.getTime() === ALWAYS_START.getTime();
    const { tenantId } = this.context;
    const { used } = await this.counts.of({
      ...{ tenantId, metric, periodStart },
      periodEnd: isGauge ? null : period.end,
    });
    const { limit } = limitHeld(held, metric, this.clock.now(), gracePercent);
    const level = levelsOf(rules, metric, warningPercent).find((one) => one.percent === percent);
    return {
      metric,
      percent,
      severity: severityOf(percent, warningPercent),
      current_usage: toJson(alert.currentUsage),
      limit: toJson(alert.limitValue),
      reached_at: alert.reachedAt.toISOString(),
      period: isGauge ? null : { start: period.start.toISOString(), end: period.end.toISOString() },
      channels: [...(level?.channels ?? [])],
      is_current: limit !== null && limit > 0 && isReached(used, limit, percent),
    };
  }
}
