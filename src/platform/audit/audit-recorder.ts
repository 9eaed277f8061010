import { Injectable } from '@nestjs/common';
import { AuditAction } from '../../contracts/audit';
import { SYSTEM_TENANT } from '../../contracts/ids';
import { Clock } from '../clock';
import { uuidV7 } from '../crypto';
import { Database } from '../database/database';
import { TenantContext } from '../database/tenant-context';
import { RequestContext } from '../request-context';
import { chainHash, GENESIS_HASH } from './audit-chain';

/** What was done to what: `before` and `after` without secrets. */
export interface AuditEntry {
  action: AuditAction;
  targetType: string;
  targetId: string;
  before?: Record<string, unknown> | null;
  after?: Record<string, unknown> | null;
}

/**
 * Writes audit rows in the transaction of the change: one committed mutation, one row (I10). Rows of a
 * tenant form a hash chain; its head row is locked last, so it is held only until the commit (decisions 19).
 */
@Injectable()
export class AuditRecorder {
  constructor(
    private readonly database: Database,
    private readonly tenantContext: TenantContext,
    private readonly requestContext: RequestContext,
    private readonly clock: Clock,
  ) {}

  /** @throws Error outside a transaction */
  async record(entry: AuditEntry): Promise<void> {
    if (!this.database.isInTransaction) throw new Error(`${entry.action} audited outside a transaction`);
    const tenantId = this.tenantContext.tenantIdOrNull ?? SYSTEM_TENANT;
    const { actor } = this.requestContext;
    await this.database.inTransaction(async (manager) => {
      await manager.query(
        `insert into audit_heads (tenant_id, sequence, hash) values ($1, 0, $2) on conflict do nothing`,
        [tenantId, GENESIS_HASH],
      );
      const [head] = await manager.query<{ sequence: string; hash: Buffer }[]>(
        `select sequence, hash from audit_heads where tenant_id = $1 for update`,
        [tenantId],
      );
      if (!head) throw new Error('the audit chain of this tenant is not visible');
      const row = {
        id: uuidV7(this.clock.realNow().getTime()),
        tenant_id: tenantId,
        sequence: Number(head.sequence) + 1,
        action: entry.action,
        actor_kind: actor.kind,
        actor_id: actor.id,
        target_type: entry.targetType,
        target_id: entry.targetId,
        before: plain(entry.before),
        after: plain(entry.after),
        request_id: this.requestContext.requestId,
        ip: this.requestContext.ip,
        occurred_at: this.clock.now().toISOString(),
      };
      const hash = chainHash(head.hash, row);
      await manager.query(
        `insert into audit_logs (id, tenant_id, sequence, action, actor_kind, actor_id, target_type, target_id,
           before, after, request_id, ip, occurred_at, previous_hash, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
        [...Object.values(row), head.hash, hash],
      );
      await manager.query(`update audit_heads set sequence = $2, hash = $3 where tenant_id = $1`, [
        tenantId,
        row.sequence,
        hash,
      ]);
    });
  }
}

/** As Postgres will give it back: dates as text, undefined gone. */
function plain(value: Record<string, unknown> | null | undefined): Record<string, unknown> | null {
  return value ? (JSON.parse(JSON.stringify(value)) as Record<string, unknown>) : null;
}
