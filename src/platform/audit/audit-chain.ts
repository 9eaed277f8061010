import { canonicalJson, sha256 } from '../crypto';

/** The hash before a tenant's first row. */
export const GENESIS_HASH = Buffer.alloc(32);

/** The columns of one audit row that its hash covers, in snake_case as stored. */
export interface AuditRow {
  id: string;
  tenant_id: string;
  sequence: number;
  action: string;
  actor_kind: string;
  actor_id: string;
  target_type: string;
  target_id: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  request_id: string | null;
  ip: string | null;
  /** ISO 8601 UTC with milliseconds. */
  occurred_at: string;
}

/** SHA-256 over the previous hash and the row: changing, removing or moving a row breaks all that follow. */
export function chainHash(previous: Buffer, row: AuditRow): Buffer {
  return sha256(Buffer.concat([previous, Buffer.from(canonicalJson(row))]));
}
