import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Database } from '../database/database';

/** Which request this is: the key counts per tenant (or nil), principal and route with its ids (decisions 6). */
export interface IdempotencyScope {
  tenantId: string;
  principal: string;
  route: string;
  key: string;
}

export interface StoredAnswer {
  status: number;
  body: Buffer;
  contentType: string;
}

export type Claim =
  | { outcome: 'run'; attempt: number; operationId: string }
  | { outcome: 'replay'; answer: StoredAnswer }
  | { outcome: 'in_progress' }
  | { outcome: 'reused' };

interface Row {
  fingerprint: Buffer;
  state: 'started' | 'done';
  attempt: number;
  operation_id: string;
  status: number | null;
  body: Buffer | null;
  content_type: string | null;
  free: boolean;
  mendable: boolean;
}

/** Who runs an idempotent request, and what it answered. The database's unique key is the judge (C.3). */
@Injectable()
export class IdempotencyRepository {
  constructor(private readonly database: Database) {}

  /** Claims the key in a transaction of its own, so that losers see it at once. */
  claimAcrossTenants(scope: IdempotencyScope, fingerprint: Buffer, leaseMs: number): Promise<Claim> {
    return this.database.acrossTenants(async (manager) => {
      const keys = [scope.tenantId, scope.principal, scope.route, scope.key];
      const born = await manager.query<{ operation_id: string }[]>(
        `insert into idempotency_keys (tenant_id, principal, route, key, fingerprint, locked_until)
         values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6 / 1000.0))
         on conflict do nothing returning operation_id`,
        [...keys, fingerprint, leaseMs],
      );
      if (born[0]) return { outcome: 'run', attempt: 1, operationId: born[0].operation_id };
      const [row] = await manager.query<Row[]>(
        `select fingerprint, state, attempt, operation_id, status, body, content_type,
                locked_until < clock_timestamp() as free, locked_until = '-infinity' as mendable
         from idempotency_keys where tenant_id = $1 and principal = $2 and route = $3 and key = $4 for update`,
        keys,
      );
      if (!row) return { outcome: 'in_progress' };
      const isSame = row.fingerprint.equals(fingerprint);
      if (!isSame && !(row.state === 'started' && row.mendable)) return { outcome: 'reused' };
      if (row.state === 'done')
        return {
          outcome: 'replay',
          answer: { status: row.status!, body: row.body!, contentType: row.content_type! },
        };
      if (!row.free) return { outcome: 'in_progress' };
      // A mended request is another operation: Stripe must not take it for the first one.
      const operationId = isSame ? row.operation_id : randomUUID();
      await manager.query(
        `update idempotency_keys set attempt = attempt + 1, fingerprint = $6, operation_id = $7,
           locked_until = clock_timestamp() + make_interval(secs => $5 / 1000.0)
         where tenant_id = $1 and principal = $2 and route = $3 and key = $4`,
        [...keys, leaseMs, fingerprint, operationId],
      );
      return { outcome: 'run', attempt: row.attempt + 1, operationId };
    });
  }

  /**
   * Stores the answer in the running transaction, the one of the effect.
   * @returns false when another attempt has taken over: the caller must roll back (C.3)
   */
  finish(scope: IdempotencyScope, attempt: number, answer: StoredAnswer): Promise<boolean> {
    return this.database.inTransaction(async (manager) => {
      const result = await manager.query<unknown[]>(
        `update idempotency_keys set state = 'done', status = $6, body = $7, content_type = $8
         where tenant_id = $1 and principal = $2 and route = $3 and key = $4 and attempt = $5
           and state = 'started' returning key`,
        [
          scope.tenantId,
          scope.principal,
          scope.route,
          scope.key,
          attempt,
          answer.status,
          answer.body,
          answer.contentType,
        ],
      );
      return Array.isArray(result[0]) && (result[0] as unknown[]).length > 0;
    });
  }

  /** The same on its own, for answers whose effect is not one transaction. */
  finishAcrossTenants(scope: IdempotencyScope, attempt: number, answer: StoredAnswer): Promise<boolean> {
    return this.database.acrossTenants(() => this.finish(scope, attempt, answer));
  }

  /**
   * Forgets a failed attempt, so that the client may send the same key again: with the cause mended, or only
   * the same request, when an attempt of ours may have got somewhere. The row stays, so that attempts go on
   * counting and a slow holder of an earlier one still finds that it is not his.
   */
  async releaseAcrossTenants(
    scope: IdempotencyScope,
    attempt: number,
    allow: { sameRequestOnly: boolean },
  ): Promise<void> {
    const freedAt = allow.sameRequestOnly ? 'epoch' : '-infinity';
    await this.database.acrossTenants((manager) =>
      manager.query(
        `update idempotency_keys set locked_until = $6::timestamptz
         where tenant_id = $1 and principal = $2 and route = $3 and key = $4 and attempt = $5 and state = 'started'`,
        [scope.tenantId, scope.principal, scope.route, scope.key, attempt, freedAt],
      ),
    );
  }

  /** Deletes records older than the retention; returns how many. */
  deleteOlderThanAcrossTenants(hours: number): Promise<number> {
    return this.database.acrossTenants(async (manager) => {
      const result = await manager.query<unknown[]>(
        `delete from idempotency_keys where created_at < clock_timestamp() - make_interval(hours => $1)`,
        [hours],
      );
      return Number(result[1] ?? 0);
    });
  }
}
