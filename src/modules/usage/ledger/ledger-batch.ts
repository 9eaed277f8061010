import { addDecimals, formatDecimal, parseDecimal } from '../../../domain/decimal';
import {
  CommittedBatch,
  CommittedCounter,
  CounterTarget,
  counterKey,
  LedgerEntry,
  LedgerOutcome,
  LedgerStatus,
} from './ledger-entry';

/** What record_usage answers (migration 5); numeric and bigint arrays arrive as texts. */
export interface RecordedRow {
  stale: number[] | null;
  used: string;
  reserved: string;
  version: string;
  odd: number[] | null;
  odd_status: LedgerStatus[] | null;
  generation: string;
}

/** Named, so that each connection prepares it once. */
export const RECORD_USAGE = {
  name: 'record_usage',
  text: `select stale, used::text, reserved::text, version::text, odd, odd_status, generation
           from record_usage($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
};

/** A counter of the batch and what its entries add up to. */
interface Counter {
  readonly key: string;
  target: CounterTarget;
  /** 1-based, in the order in which all transactions lock. */
  index: number;
  /** Null: to be decided row by row. */
  total: number | string | null;
}

/** Events that are committed together: how they are told to Postgres, and what its answer means for each. */
export class LedgerBatch {
  private readonly counters: Counter[];
  private readonly counterOf: Counter[];

  /** @param entries in order of arrival, no (tenant, event id) twice */
  constructor(private readonly entries: readonly LedgerEntry[]) {
    const byTarget = new Map<CounterTarget, Counter>();
    const byKey = new Map<string, Counter>();
    this.counterOf = entries.map((entry) => {
      let counter = byTarget.get(entry.target);
      if (!counter) {
        const key = counterKey(entry.target);
        counter = byKey.get(key) ?? { key, target: entry.target, index: 0, total: 0 };
        byKey.set(key, counter);
        byTarget.set(entry.target, counter);
      }
      counter.total = addTo(counter.total, entry);
      return counter;
    });
    this.counters = [...byKey.values()].sort(byLockOrder);
    this.counters.forEach((counter, at) => (counter.index = at + 1));
  }

  get size(): number {
    return this.entries.length;
  }

  get counterKeys(): string[] {
    return this.counters.map(({ key }) => key);
  }

  /**
   * The parameters of RECORD_USAGE. Arrays are sent as literals made here: pg would quote each of ten thousand
   * elements by itself.
   * @param now business time of the commit
   * @param tryAtOnce false where duplicates or refusals are expected
   */
  parameters(now: Date, tryAtOnce: boolean): unknown[] {
    const { entries, counters, counterOf } = this;
    const targets = counters.map(({ target }) => target);
    return [
      now.toISOString(),
      tryAtOnce && counters.every(({ total }) => total !== null),
      plainArray(targets.map(({ tenantId }) => tenantId)),
      quotedArray(targets.map(({ metric }) => metric)),
      quotedArray(targets.map(({ periodStart }) => periodStart.toISOString())),
      quotedArray(targets.map(({ periodEnd }) => periodEnd?.toISOString() ?? null)),
      plainArray(targets.map(({ mostUsed }) => mostUsed)),
      plainArray(targets.map(({ rule }) => rule)),
      plainArray(targets.map(({ version }) => version)),
      plainArray(counters.map(({ total }) => total)),
      `{${counterOf.map(({ index }) => index).join(',')}}`,
      // Ids have no character that needs escaping; the quotes keep one called NULL a text.
      `{"${entries.map(({ eventId }) => eventId).join('","')}"}`,
      entries.every(({ quantity }) => quantity === 1)
        ? null
        : `{${entries.map(({ quantity }) => quantity).join(',')}}`,
      anyArray(entries, ({ at }) => at),
      anyArray(entries, ({ subject }) => subject),
      anyArray(entries, ({ metadata }) => metadata),
      this.keys(),
    ];
  }

  /** What became of each entry, in their order; null when entitlements have changed and nothing was done. */
  outcomes(row: RecordedRow): LedgerOutcome[] {
    if (row.stale) return this.entries.map(() => ({ status: 'stale', used: '0', reserved: '0' }));
    const statuses = this.statuses(row);
    const used = numbersOf(row.used);
    const reserved = numbersOf(row.reserved);
    const outcomes = new Array<LedgerOutcome>(this.entries.length);
    // Backwards from what is there now: each recorded event is taken off again for the one before it.
    for (let at = this.entries.length - 1; at >= 0; at--) {
      const status = statuses?.[at] ?? 'recorded';
      const counter = this.counterOf[at]!;
      const after = used[counter.index - 1]!;
      outcomes[at] = { status, used: after, reserved: reserved[counter.index - 1]! };
      if (status === 'recorded') used[counter.index - 1] = before(after, this.entries[at]!);
    }
    return outcomes;
  }

  /** What to tell others about the committed batch. */
  committed(row: RecordedRow): CommittedBatch {
    const [used, reserved, version] = [row.used, row.reserved, row.version].map(numbersOf) as [
      string[],
      string[],
      string[],
    ];
    const counters: CommittedCounter[] = this.counters.map(({ target }, at) => ({
      target,
      used: used[at]!,
      reserved: reserved[at]!,
      version: version[at]!,
    }));
    const refused = (row.odd ?? []).flatMap((index, at) => {
      const status = row.odd_status![at]!;
      return status === 'duplicate' ? [] : [{ entry: this.entries[index - 1]!, status }];
    });
    return { counters, refused, generation: row.generation };
  }

  /** Counters that had no room, or too little to take away. */
  keysRefused(odd: readonly number[], statuses: readonly LedgerStatus[]): string[] {
    return odd.flatMap((index, at) =>
      statuses[at] === 'limit_exceeded' ? [this.counterOf[index - 1]!.key] : [],
    );
  }

  private statuses({ odd, odd_status }: RecordedRow): LedgerStatus[] | null {
    if (!odd) return null;
    const statuses: LedgerStatus[] = [];
    odd.forEach((index, at) => (statuses[index - 1] = odd_status![at]!));
    return statuses;
  }

  private keys(): string {
    const [first] = this.entries;
    const isOne = this.entries.every(({ keyId }) => keyId === first!.keyId);
    return plainArray(isOne ? [first!.keyId] : this.entries.map(({ keyId }) => keyId));
  }
}

function byLockOrder(a: Counter, b: Counter): number {
  const [x, y] = [a.target, b.target];
  if (x.tenantId !== y.tenantId) return x.tenantId < y.tenantId ? -1 : 1;
  if (x.metric !== y.metric) return x.metric < y.metric ? -1 : 1;
  return x.periodStart.getTime() - y.periodStart.getTime();
}

function addTo(total: Counter['total'], { target, quantity }: LedgerEntry): Counter['total'] {
  if (total === null || target.rule === 'max' || target.rule === 'latest' || target.rule === 'unique')
    return null;
  if (isNegative(quantity)) return null;
  return plus(total, target.rule === 'count' ? 1 : quantity);
}

function before(used: string, { target, quantity }: LedgerEntry): string {
  if (target.rule === 'count') return String(plus(used, -1));
  if (target.rule !== 'sum') return used;
  const taken = typeof quantity === 'number' ? -quantity : negated(quantity);
  return String(plus(used, taken));
}

/** Adds exactly: as numbers while all are safe integers, else as decimals. */
function plus(a: number | string, b: number | string): number | string {
  const [x, y] = [Number(a), Number(b)];
  const sum = x + y;
  if (Number.isSafeInteger(x) && Number.isSafeInteger(y) && Number.isSafeInteger(sum)) return sum;
  return formatDecimal(addDecimals(parseDecimal(String(a), 38), parseDecimal(String(b), 38)));
}

function isNegative(quantity: number | string): boolean {
  return typeof quantity === 'number' ? quantity < 0 : quantity.startsWith('-');
}

function negated(quantity: string): string {
  return quantity.startsWith('-') ? quantity.slice(1) : `-${quantity}`;
}

function numbersOf(literal: string): string[] {
  return literal.slice(1, -1).split(',');
}

/** For values that need no quoting. */
function plainArray(values: readonly (string | number | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join(',')}}`;
}

function quotedArray(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : quoted(value))).join(',')}}`;
}

/** Null when no entry has one. */
function anyArray(
  entries: readonly LedgerEntry[],
  read: (entry: LedgerEntry) => string | null,
): string | null {
  return entries.some((entry) => read(entry) !== null) ? quotedArray(entries.map(read)) : null;
}

function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
