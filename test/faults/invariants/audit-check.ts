import type { ClientBase } from 'pg';
import { chainHash, GENESIS_HASH, type AuditRow } from '../../../src/platform/audit/audit-chain';
import type { Violation } from './check';

interface StoredRow extends Omit<AuditRow, 'sequence' | 'occurred_at'> {
  sequence: string;
  occurred_at: Date;
  previous_hash: Buffer;
  hash: Buffer;
}

const HOLDS = 'the audit rows of each tenant are one unbroken chain up to its head';

/** Verifies each tenant's hash chain (I10). */
export async function checkAuditChains(client: ClientBase, tenants: string[] | null): Promise<Violation[]> {
  const { rows } = await client.query<StoredRow>(
    `select id, tenant_id, sequence, action, actor_kind, actor_id, target_type, target_id, before, after, request_id,
            ip, occurred_at, previous_hash, hash
       from audit_logs where $1::uuid[] is null or tenant_id = any($1) order by tenant_id, sequence`,
    [tenants],
  );
  const heads = await client.query<{ tenant_id: string; sequence: string; hash: Buffer }>(
    `select * from audit_heads where sequence > 0 and ($1::uuid[] is null or tenant_id = any($1))`,
    [tenants],
  );
  const ends = new Map<string, { sequence: number; hash: Buffer }>();
  const where: Record<string, unknown>[] = [];
  for (const { previous_hash, hash, ...stored } of rows) {
    const row: AuditRow = {
      ...stored,
      sequence: Number(stored.sequence),
      occurred_at: stored.occurred_at.toISOString(),
    };
    const end = ends.get(row.tenant_id) ?? { sequence: 0, hash: GENESIS_HASH };
    const isNext =
      row.sequence === end.sequence + 1 &&
      previous_hash.equals(end.hash) &&
      hash.equals(chainHash(end.hash, row));
    if (!isNext) where.push({ tenant_id: row.tenant_id, sequence: row.sequence, action: row.action });
    ends.set(row.tenant_id, { sequence: row.sequence, hash });
  }
  for (const head of heads.rows) {
    const end = ends.get(head.tenant_id);
    if (!end || end.sequence !== Number(head.sequence) || !end.hash.equals(head.hash))
      where.push({ tenant_id: head.tenant_id, head: head.sequence, last: end?.sequence ?? 0 });
  }
  return where.length === 0
    ? []
    : [{ id: 'I10', holds: HOLDS, where: where.slice(0, 5), count: where.length }];
}
