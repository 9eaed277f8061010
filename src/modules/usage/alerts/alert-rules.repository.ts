import { Injectable } from '@nestjs/common';
import { In, Not } from 'typeorm';
import type { TenantId } from '../../../contracts/ids';
import type { AlertRule } from '../../../domain/usage-alerts';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { AlertRuleEntity } from './alert-rule.entity';

export interface KeptRule extends AlertRule {
  readonly updatedAt: Date;
}

/** Which levels the tenants want to hear of. */
@Injectable()
export class AlertRulesRepository extends TenantRepository<AlertRuleEntity> {
  constructor(database: Database, context: TenantContext) {
    super(AlertRuleEntity, database, context);
  }

  /** Of the tenant in the context: the rule for all metrics first, then by metric. */
  async all(): Promise<KeptRule[]> {
    const rows = await this.find({}, { metricName: 'ASC' });
    return rows.map(fromRow);
  }

  /** Makes these the tenant's rules. With the tenant locked, so that two lists never mix. */
  async replaceAll(rules: readonly AlertRule[], now: Date): Promise<void> {
    await this.remove({ metricName: Not(In(rules.map(({ metric }) => metric))) });
    for (const { metric, levels } of rules)
      await this.sql(
        `insert into alert_rules (tenant_id, metric_name, rules, updated_at) values ($1, $2, $3::jsonb, $4)
           on conflict (tenant_id, metric_name) do update set rules = excluded.rules, updated_at = excluded.updated_at`,
        metric,
        JSON.stringify(levels),
        now,
      );
  }

  /** The rules of many tenants; those without any are left out. */
  rulesAcrossTenants(tenantIds: readonly TenantId[]): Promise<Map<TenantId, AlertRule[]>> {
    return this.acrossTenants(async (manager) => {
      const found = new Map<TenantId, AlertRule[]>();
      for (const row of await manager.findBy(AlertRuleEntity, { tenantId: In([...tenantIds]) }))
        found.set(row.tenantId, [...(found.get(row.tenantId) ?? []), fromRow(row)]);
      return found;
    });
  }
}

function fromRow({ metricName, rules, updatedAt }: AlertRuleEntity): KeptRule {
  return { metric: metricName, levels: rules, updatedAt };
}
