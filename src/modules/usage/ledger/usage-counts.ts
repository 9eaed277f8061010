import { Injectable } from '@nestjs/common';
import { Coalesced } from '../../../platform/coalesced';
import { CachedCounter, CounterNumbers, RedisUsageService } from '../cache/redis-usage.service';
import { UsageCountersRepository } from './usage-counters.repository';

const UNUSED: CounterNumbers = { used: '0', reserved: '0', version: '0' };

/** Used and reserved, as decimal texts. */
export type Counts = Pick<CounterNumbers, 'used' | 'reserved'>;

/**
 * How much is used of a counter: from Redis, and from Postgres where Redis has nothing to say. Questions of many
 * requests are asked together.
 */
@Injectable()
export class UsageCounts {
  private readonly questions = new Coalesced<CachedCounter['target'], Counts>((targets) => this.ask(targets));

  constructor(
    private readonly redis: RedisUsageService,
    private readonly counters: UsageCountersRepository,
  ) {}

  of(target: CachedCounter['target']): Promise<Counts> {
    return this.questions.get(target);
  }

  private async ask(targets: readonly CachedCounter['target'][]): Promise<Counts[]> {
    const cached = await this.redis.read(targets);
    const cold = targets.filter((_, at) => cached[at] === null);
    if (cold.length === 0) return cached as CounterNumbers[];
    const { rows, generation } = await this.counters.readAcrossTenants(cold);
    // A counter that nobody has used is known, too: its first number has version 1 and replaces this one.
    const warmed = cold.map((target, at) => ({ target, ...(rows[at] ?? UNUSED) }));
    // Beside the answer: a slow Redis does not make a reader wait.
    void this.redis.write(warmed, generation);
    let at = 0;
    return cached.map((numbers) => numbers ?? rows[at++] ?? UNUSED);
  }
}
