/** Runs two or more sides in turns, so that whatever the machine does happens to all of them. */
import type { BenchContext } from './bench-case';
import { cpuSeconds, cpuSecondsOfFamily } from './measure/cpu';
import type { ServiceProcess } from './stage/stage';

export interface Round {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One of those that are compared. */
export interface Side {
  readonly name: string;
  /** Works for so many seconds. @throws when an answer was wrong */
  round(seconds: number): Promise<Round>;
  /** Processes whose share of the processor is of interest, besides the generator, Postgres and Redis. */
  readonly processes?: readonly Pick<ServiceProcess, 'pid'>[];
}

export interface SideResult {
  readonly rounds: Round[];
  /** Medians over the rounds. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Cores in use on average: who spent the two there are. */
  readonly cores: Record<string, number>;
}

/**
 * One round of each side to warm up, then `options.rounds` of each in turns.
 * @param onMeasure called when the warm-up is over
 */
export async function inTurns(
  context: BenchContext,
  sides: readonly Side[],
  onMeasure: () => void = () => undefined,
): Promise<SideResult[]> {
  const { rounds, seconds } = context.options;
  const seen = sides.map(() => ({ rounds: [] as Round[], cores: [] as Record<string, number>[] }));
  for (let turn = 0; turn <= rounds; turn += 1) {
    if (turn === 1) onMeasure();
    for (const [at, side] of sides.entries()) {
      await context.servers.checkpoint();
      const watch = new CoreWatch(context, side);
      const round = await side.round(seconds);
      const cores = watch.stop();
      if (turn > 0) {
        seen[at]!.rounds.push(round);
        seen[at]!.cores.push(cores);
      }
      const label = turn === 0 ? 'warm-up' : `round ${turn}/${rounds}`;
      context.say(`  ${label} ${side.name}: ${Math.round(round.perSecond).toLocaleString('en')}/s`);
    }
  }
  return seen.map(({ rounds: all, cores }) => ({
    rounds: all,
    perSecond: medianOf(all, (round) => round.perSecond),
    p50Ms: medianOf(all, (round) => round.p50Ms),
    p99Ms: medianOf(all, (round) => round.p99Ms),
    cores: Object.fromEntries(
      Object.keys(cores[0] ?? {}).map((who) => [who, medianOf(cores, (share) => share[who] ?? 0)]),
    ),
  }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function medianOf<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return median(items.map(value));
}

/** Who used the processors between two moments. */
class CoreWatch {
  private readonly startedAt = performance.now();
  private readonly before: Record<string, number>;

  constructor(
    private readonly context: BenchContext,
    private readonly side: Side,
  ) {
    this.before = this.look();
  }

  stop(): Record<string, number> {
    const seconds = (performance.now() - this.startedAt) / 1000;
    const now = this.look();
    return Object.fromEntries(
      Object.entries(now).map(([who, used]) => [who, (used - (this.before[who] ?? 0)) / seconds]),
    );
  }

  private look(): Record<string, number> {
    const { postgres, redis } = this.context.servers;
    return {
      generator: cpuSeconds(process.pid),
      ...Object.fromEntries(
        (this.side.processes ?? []).map(({ pid }, at) => [`process ${at + 1}`, cpuSeconds(pid)]),
      ),
      postgres: cpuSecondsOfFamily(postgres.pid),
      redis: cpuSeconds(redis.pid),
    };
  }
}
