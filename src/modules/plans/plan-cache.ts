import { Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Clock } from '../../platform/clock';
import { Database } from '../../platform/database/database';
import { Lifecycle } from '../../platform/lifecycle';
import { Logger } from '../../platform/logger';
import { Metrics } from '../../platform/metrics';
import { RedisClient } from '../../platform/redis';
import { Plan } from './plan';

const TTL_SECONDS = 3600;
/** After Redis failed it is left alone for so long, so that its absence costs readers nothing. */
const REST_MS = 1000;
/** One hash tag for all keys: version and value are read in one command, in a cluster too. */
const VERSION_KEY = 'tb:{plans}:version';
const valueKey = (shelf: string): string => `tb:{plans}:list:${shelf}`;

interface CachedList {
  version: string;
  plans: Plan[];
}

/**
 * The lists of visible plans, shared by all replicas in Redis. Every list is stored under the version that
 * was current before it was loaded, and every change makes a new version: a reader that loaded old rows while
 * a writer committed stores them under a version nobody asks for any more. Without Redis, the database.
 */
@Injectable()
export class PlanCache implements OnApplicationBootstrap {
  private readonly logger = new Logger('plans');
  /** Loads that run now, by shelf and version: callers that miss at the same moment share one. */
  private readonly loads = new Map<string, Promise<Plan[]>>();
  /** Counts changes made by this process, so that a reader after a change never joins a load from before it. */
  private changes = 0;
  /** A change that Redis has not heard of yet: until then its lists must not be believed here. */
  private mustInvalidate = false;
  private restUntil = 0;
  private retry: NodeJS.Timeout | null = null;

  constructor(
    private readonly redis: RedisClient,
    private readonly database: Database,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
    private readonly lifecycle: Lifecycle,
  ) {}

  /** A process that died between a commit and its news to Redis makes up for it when it is back. */
  async onApplicationBootstrap(): Promise<void> {
    await this.invalidate();
  }

  /**
   * The plans of a shelf: from the cache, else from `load`.
   * Inside a transaction it reads the rows of that transaction, and neither asks nor fills Redis.
   */
  async read(shelf: string, load: () => Promise<Plan[]>): Promise<Plan[]> {
    if (this.database.isInTransaction) return load();
    const cached = await this.lookUp(shelf);
    if (cached?.plans) return this.count('hit', cached.plans);
    return this.count(cached ? 'miss' : 'unavailable', await this.loadOnce(shelf, cached?.version, load));
  }

  /** Ends the life of all cached lists, in all replicas. Called after the commit of every change. */
  async invalidate(): Promise<void> {
    this.changes += 1;
    this.mustInvalidate = true;
    await this.tellRedis();
  }

  /** The version, and the plans if they are of this version; null when Redis is away. */
  private async lookUp(shelf: string): Promise<{ version: string; plans: Plan[] | null } | null> {
    if (this.clock.monotonicMs() < this.restUntil) return null;
    if (this.mustInvalidate && !(await this.tellRedis())) return null;
    const answer = await this.attempt((client) => client.mget(VERSION_KEY, valueKey(shelf)));
    if (!answer) return null;
    const [version, text] = answer.value;
    if (!version) return this.firstVersion();
    const list = text ? parse(text) : null;
    return { version, plans: list?.version === version ? list.plans : null };
  }

  /** An empty or emptied Redis gets a version that was never used, so that no old list can come back. */
  private async firstVersion(): Promise<{ version: string; plans: null } | null> {
    const answer = await this.attempt(async (client) => {
      await client.set(VERSION_KEY, randomUUID(), 'NX');
      return client.get(VERSION_KEY);
    });
    return answer?.value ? { version: answer.value, plans: null } : null;
  }

  private loadOnce(shelf: string, version: string | undefined, load: () => Promise<Plan[]>): Promise<Plan[]> {
    const flight = `${shelf} ${version ?? 'no redis'} ${this.changes}`;
    const running = this.loads.get(flight);
    if (running) return running;
    const started = this.loadAndStore(shelf, version, load).finally(() => this.loads.delete(flight));
    this.loads.set(flight, started);
    return started;
  }

  private async loadAndStore(
    shelf: string,
    version: string | undefined,
    load: () => Promise<Plan[]>,
  ): Promise<Plan[]> {
    const plans = await load();
    if (version !== undefined) {
      const value = JSON.stringify({ version, plans } satisfies CachedList);
      await this.attempt((client) => client.set(valueKey(shelf), value, 'EX', TTL_SECONDS));
    }
    return plans;
  }

  /** True when Redis knows the new version. */
  private async tellRedis(): Promise<boolean> {
    const changes = this.changes;
    const told = await this.attempt((client) => client.set(VERSION_KEY, randomUUID()));
    if (!told) {
      this.logger.warn('plan_cache.invalidation_waits');
      this.tryAgainSoon();
      return false;
    }
    if (changes === this.changes) this.mustInvalidate = false;
    return true;
  }

  /** Other replicas read old lists until Redis knows, even if nobody reads plans in this process. */
  private tryAgainSoon(): void {
    if (this.retry || this.lifecycle.isStopping) return;
    this.retry = setTimeout(() => {
      this.retry = null;
      if (this.mustInvalidate) void this.tellRedis();
    }, REST_MS);
    this.retry.unref();
  }

  private async attempt<T>(work: Parameters<typeof this.redis.attempt<T>>[0]): Promise<{ value: T } | null> {
    const answer = await this.redis.attempt(work);
    if (!answer) this.restUntil = this.clock.monotonicMs() + REST_MS;
    return answer;
  }

  private count(result: 'hit' | 'miss' | 'unavailable', plans: Plan[]): Plan[] {
    this.metrics.planCache.inc({ result });
    return plans;
  }
}

/** A stored list with its dates as dates; null for anything that is not one. */
function parse(text: string): CachedList | null {
  try {
    const list = JSON.parse(text) as CachedList;
    const plans = list.plans.map((plan) => ({
      ...plan,
      createdAt: new Date(plan.createdAt),
      updatedAt: new Date(plan.updatedAt),
    }));
    return { version: list.version, plans };
  } catch {
    return null;
  }
}
