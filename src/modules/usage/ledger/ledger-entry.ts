import type { TenantId } from '../../../contracts/ids';
import type { Aggregation } from '../../../domain/plan-limits';

/** The counter that an event goes to, with the limit that holds for it. Entries of one request share theirs. */
export interface CounterTarget {
  readonly tenantId: TenantId;
  readonly metric: string;
  readonly rule: Aggregation;
  readonly periodStart: Date;
  /** Null for gauges, which are never reset. */
  readonly periodEnd: Date | null;
  /** The most that may be used, grace included; null = unlimited. */
  readonly mostUsed: number | null;
  /** Version of the entitlements that say so; the ledger refuses an old one. */
  readonly version: number | null;
}

/** One event on its way into the ledger. */
export interface LedgerEntry {
  readonly target: CounterTarget;
  readonly eventId: string;
  /** A whole number up to 2^53-1, or a canonical decimal text; below 0 for a decrement. */
  readonly quantity: number | string;
  /** When it happened, ISO 8601, if the caller said so. */
  readonly at: string | null;
  readonly subject: string | null;
  /** As JSON. */
  readonly metadata: string | null;
  readonly keyId: string | null;
}

/** What became of an event. `stale`: its entitlements were read before they changed; `closed`: its period was. */
export type LedgerStatus =
  'recorded' | 'duplicate' | 'conflict' | 'limit_exceeded' | 'below_zero' | 'closed' | 'stale';

export interface LedgerOutcome {
  readonly status: LedgerStatus;
  /** Of the counter, right after this event; decimal texts. */
  readonly used: string;
  readonly reserved: string;
}

/** A counter as a committed batch left it. */
export interface CommittedCounter {
  readonly target: CounterTarget;
  readonly used: string;
  readonly reserved: string;
  /** Counts the changes of the counter: of two numbers the one with the higher version is the newer. */
  readonly version: string;
}

/** What a batch did, told after its commit. */
export interface CommittedBatch {
  readonly counters: readonly CommittedCounter[];
  readonly refused: readonly { readonly entry: LedgerEntry; readonly status: LedgerStatus }[];
  /** Under which the numbers may be cached. */
  readonly generation: string;
}

/** Identifies a counter among all tenants'. */
export function counterKey({
  tenantId,
  metric,
  periodStart,
}: Pick<CounterTarget, 'tenantId' | 'metric' | 'periodStart'>): string {
  return `${tenantId}/${metric}/${periodStart.getTime()}`;
}
