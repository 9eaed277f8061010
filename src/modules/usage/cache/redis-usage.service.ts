import { Injectable } from '@nestjs/common';
import type Redis from 'ioredis';
import { Clock } from '../../../platform/clock';
import { Announcements } from '../../../platform/database/announcements';
import { RedisClient } from '../../../platform/redis';
import { CounterTarget } from '../ledger/ledger-entry';

/** A counter's numbers, as decimal texts. */
export interface CounterNumbers {
  readonly used: string;
  readonly reserved: string;
  /** Of two numbers of one counter the one with the higher version is the newer. */
  readonly version: string;
}

export type CounterName = Pick<CounterTarget, 'tenantId' | 'metric' | 'periodStart'>;

/** Numbers on their way to Redis. */
export interface CachedCounter extends CounterNumbers {
  readonly target: CounterName & Pick<CounterTarget, 'periodEnd'>;
}

const HOUR_MS = 3_600_000;
/** How long a number outlives its period, and how long one without a period is kept. */
const AFTER_PERIOD_MS = 24 * HOUR_MS;
const UNBOUND_MS = 35 * 24 * HOUR_MS;
const MOST_AT_ONCE = 1000;

/**
 * Writes numbers that are newer than the known ones, and never adds: sent twice or late it does no harm (F-62).
 * The time to live is set when a key is made and kept from then on (F-37).
 */
const WRITE_NEWER = `
  for i, key in ipairs(KEYS) do
    local version, numbers, ttl = ARGV[i * 3 - 2], ARGV[i * 3 - 1], ARGV[i * 3]
    local known = redis.call('GET', key)
    if not known then
      redis.call('SET', key, version .. ' ' .. numbers, 'PX', ttl)
    elseif tonumber(string.match(known, '^%d+')) < tonumber(version) then
      redis.call('SET', key, version .. ' ' .. numbers, 'KEEPTTL')
    end
  end
  return #KEYS
`;

type WithScript = Redis & { writeNewerUsage(keys: number, ...args: string[]): Promise<number> };

/**
 * The counters in Redis: a copy for fast reads, written after each commit and read by every replica. A missing
 * number means "ask Postgres", never 0; no limit is decided on these (docs/adr/0008).
 */
@Injectable()
export class RedisUsageService {
  /** Keys of another generation are not read: Redis may have missed a number of it. Null: not known yet. */
  private generation: string | null = null;
  private waiting = new Map<string, CachedCounter>();
  private flushing: Promise<void> | null = null;
  private next: Promise<void> | null = null;
  /** A write did not arrive: what Redis holds may be too small. */
  private missed = false;
  private away = false;

  constructor(
    private readonly redis: RedisClient,
    private readonly clock: Clock,
    announcements: Announcements,
  ) {
    redis.client.defineCommand('writeNewerUsage', { lua: WRITE_NEWER });
    announcements.on('usage_generation', (generation) => (this.generation = generation));
  }

  /** The numbers of these counters, null where Redis has none (or is away). */
  async read(counters: readonly CounterName[]): Promise<(CounterNumbers | null)[]> {
    const generation = this.generation;
    if (generation === null || this.away) return counters.map(() => null);
    const keys = counters.map((counter) => keyOf(counter, generation));
    const found = await this.redis.attempt((client) => client.mget(keys));
    return found ? found.value.map(parse) : counters.map(() => null);
  }

  /**
   * Hands the numbers of a commit to Redis; answers when they are there, or when they cannot be. Those of
   * several commits travel together.
   * @param generation as Postgres gave it with the numbers
   */
  write(counters: readonly CachedCounter[], generation: string): Promise<void> {
    if (this.away) {
      this.missed = true;
      return Promise.resolve();
    }
    for (const counter of counters) {
      const key = keyOf(counter.target, generation);
      const known = this.waiting.get(key);
      if (!known || Number(known.version) < Number(counter.version)) this.waiting.set(key, counter);
    }
    if (!this.flushing) return (this.flushing = this.flush());
    return (this.next ??= this.flushing.then(() => {
      this.next = null;
      return (this.flushing = this.flush());
    }));
  }

  /** Whether a number may be missing in Redis since the last call. */
  takeMissed(): boolean {
    const missed = this.missed;
    this.missed = false;
    return missed;
  }

  /** Redis answers again, or not: while it does not, nothing is sent there. */
  setAway(away: boolean): void {
    this.away = away;
  }

  get isAway(): boolean {
    return this.away;
  }

  setGeneration(generation: string): void {
    this.generation = generation;
  }

  get currentGeneration(): string | null {
    return this.generation;
  }

  private async flush(): Promise<void> {
    const writes = [...this.waiting];
    this.waiting = new Map();
    for (let at = 0; at < writes.length; at += MOST_AT_ONCE) {
      const some = writes.slice(at, at + MOST_AT_ONCE);
      const now = this.clock.now().getTime();
      const args = some.flatMap(([, { version, used, reserved, target }]) => [
        version,
        `${used} ${reserved}`,
        String(timeToLive(target.periodEnd, now)),
      ]);
      const written = await this.redis.attempt((client) =>
        (client as WithScript).writeNewerUsage(some.length, ...some.map(([key]) => key), ...args),
      );
      if (written) continue;
      this.missed = true;
      this.away = true;
      break;
    }
    if (!this.next) this.flushing = null;
  }
}

/** One hash tag per tenant, so that a tenant's counters share a slot on a cluster. */
function keyOf({ tenantId, metric, periodStart }: CounterName, generation: string): string {
  return `usage:{${tenantId}}:${generation}:${metric}:${periodStart.getTime()}`;
}

function parse(text: string | null): CounterNumbers | null {
  const parts = text?.split(' ');
  return parts?.length === 3 ? { version: parts[0]!, used: parts[1]!, reserved: parts[2]! } : null;
}

function timeToLive(periodEnd: Date | null, now: number): number {
  return periodEnd === null ? UNBOUND_MS : Math.max(periodEnd.getTime() - now, HOUR_MS) + AFTER_PERIOD_MS;
}
