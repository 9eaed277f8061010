import type { Cluster } from './cluster';
import type { FaultClient } from './fault-client';
import { describeViolations, findViolations } from './invariants/invariants';

/** How much of it: `short` is for `npm test`, `long` is what reliability B asks for. */
export type Size = 'short' | 'long';

/** A promise of reliability B, put to the test on a cluster. */
export interface Scenario {
  id: string;
  /** What is done, in a line. */
  title: string;
  /** False when it brings servers of its own; it is then given none. */
  needsCluster?: boolean;
  run(cluster: Cluster, size: Size): Promise<Report>;
}

/** What a scenario found out. */
export interface Report {
  /** What was done and what came of it, by name: events, lost, doubled, seconds … */
  figures: Record<string, number | string>;
  /** What should not be, in words; empty when the promise was kept. */
  failures: string[];
}

/** Collects the figures of a scenario and what is wrong with them. */
export class Findings {
  readonly figures: Record<string, number | string> = {};
  readonly failures: string[] = [];
  private readonly begun = performance.now();

  /** A figure for the table. */
  note(name: string, value: number | string): void {
    this.figures[name] = value;
  }

  /** A figure that must be exactly this. */
  must(name: string, value: number, wanted: number): void {
    this.figures[name] = value;
    if (value !== wanted) this.failures.push(`${name} is ${value}, and must be ${wanted}`);
  }

  mustBeAtLeast(name: string, value: number, least: number): void {
    this.figures[name] = value;
    if (value < least) this.failures.push(`${name} is ${value}, and must be at least ${least}`);
  }

  mustBeAtMost(name: string, value: number, most: number): void {
    this.figures[name] = value;
    if (value > most) this.failures.push(`${name} is ${value}, and must be at most ${most}`);
  }

  fail(what: string): void {
    this.failures.push(what);
  }

  /** What the client saw: unsure answers, p99, and that no 5xx but 503 came (I13). */
  client(client: FaultClient, cluster: Cluster): void {
    const { ambiguous, not_sent, unavailable, failed } = client.counts;
    this.note('ambiguous', ambiguous);
    if (not_sent > 0) this.note('not_sent', not_sent);
    if (unavailable > 0) this.note('unavailable', unavailable);
    this.note('p99_ms', Math.round(percentile(client.latencies, 0.99)));
    this.must('5xx', failed, 0);
    for (const text of client.failures.slice(0, 3)) {
      const requestId = /"request_id":"([^"]+)"/.exec(text)?.[1];
      this.fail([`5xx: ${text}`, ...(requestId ? cluster.logged(requestId) : [])].join('\n'));
    }
    if (client.unavailableWithoutRetryAfter > 0)
      this.fail(`${client.unavailableWithoutRetryAfter} × 503 without Retry-After`);
  }

  /** All invariants of the cluster's database, the cached numbers among them, once it has come to rest. */
  async invariants(cluster: Cluster): Promise<void> {
    const options = { databaseUrl: cluster.postgres.superuserUrl, redisUrl: cluster.redis.url };
    // A process that died may have left Redis behind by its last commit; within seconds the others notice.
    const end = performance.now() + 10_000;
    let violations = await findViolations(options);
    while (violations.some(({ id }) => id === 'I4') && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      violations = await findViolations(options);
    }
    this.must('invariants_broken', violations.length, 0);
    if (violations.length > 0) this.fail(describeViolations(violations));
    const exits = cluster.ownExits();
    this.must('own_exits', exits.length, 0);
    for (const exit of exits.slice(0, 3)) this.fail(exit);
  }

  report(): Report {
    this.note('seconds', Math.round((performance.now() - this.begun) / 100) / 10);
    return { figures: this.figures, failures: this.failures };
  }
}

/** The value below which this part of the values lies; 0 of none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
