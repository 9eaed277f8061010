import { Injectable } from '@nestjs/common';
import { AuditAction } from '../../contracts/audit';
import { EventType } from '../../contracts/events';
import { AuditRecorder } from '../../platform/audit/audit-recorder';
import { Clock } from '../../platform/clock';
import { canonicalJson } from '../../platform/crypto';
import { Outbox } from '../../platform/outbox/outbox';
import { Tenant } from './tenant';
import { toTenantSnapshot } from './tenants.dto';
import { ChangedColumns, TenantsRepository } from './tenants.repository';

/** What a change of a tenant is called in the stream and in the audit log. */
interface ChangeName {
  event: EventType;
  action: AuditAction;
}

/** Changes a tenant's row together with its event and its audit row. */
@Injectable()
export class TenantChanges {
  constructor(
    private readonly tenants: TenantsRepository,
    private readonly outbox: Outbox,
    private readonly audit: AuditRecorder,
    private readonly clock: Clock,
  ) {}

  /** @param tenant the row as locked by the caller, in the tenant's context and inside a transaction */
  async apply(
    tenant: Tenant,
    changes: ChangedColumns,
    name: ChangeName = { event: 'tenant.updated', action: 'TENANT_UPDATED' },
  ): Promise<Tenant> {
    const now = this.clock.now();
    const changed = await this.tenants.change(tenant, changes, now);
    const before = toTenantSnapshot(tenant, now);
    const after = toTenantSnapshot(changed, now);
    await this.outbox.record({
      type: name.event,
      aggregateType: 'tenant',
      aggregateId: tenant.id,
      data: after,
      previous: whatWas(before, after),
    });
    await this.audit.record({
      action: name.action,
      targetType: 'tenant',
      targetId: tenant.id,
      before,
      after,
    });
    return changed;
  }
}

/** The members of `before` that are others in `after`. */
function whatWas(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(before).filter(([key, value]) => canonicalJson(value) !== canonicalJson(after[key])),
  );
}
