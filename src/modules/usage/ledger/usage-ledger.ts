import { Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { BillingError } from '../../../contracts/errors';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { DedicatedConnection } from '../../../platform/database/dedicated-connection';
import { Lifecycle } from '../../../platform/lifecycle';
import { Metrics } from '../../../platform/metrics';
import { LedgerBatch, RECORD_USAGE, RecordedRow } from './ledger-batch';
import { CommittedBatch, counterKey, LedgerEntry, LedgerOutcome } from './ledger-entry';

/** Events that are committed together; a larger request goes alone. */
const BATCH_ENTRIES = 500;
/** Beyond these, requests are refused at once: a longer queue would only make all of them late. */
const MOST_QUEUED = 20_000;
const DEADLINE_MS = 5000;
/** Nobody waits for longer behind a Postgres that does not answer. */
const MOST_WAIT_MS = 2500;
/** Deadlock, serialization failure, lock not available: the transaction did nothing and may run again. */
const RUN_AGAIN = new Set(['40P01', '40001', '55P03']);
const MOST_RUNS = 5;
/** After a duplicate, that many batches do not try the way for all-new events first. */
const CAUTIOUS_BATCHES = 8;
const MOST_FULL_COUNTERS = 10_000;
/**
 * Fewer do not start a second lane: they wait for the first and are committed together. Measured with 64
 * connections that send single events: 14,700 events/s with one lane, 12,900 with two, whose batches are half as
 * large and cost Postgres and this process nearly as much.
 */
const WORTH_A_LANE = 250;
/** A commit that takes longer waits for something, and others should not wait with it. */
const SLOW_COMMIT_MS = 10;

/** The entries of one request: answered when all of them are. A promise for each of a thousand would cost more. */
interface Submission {
  readonly outcomes: LedgerOutcome[];
  open: number;
  /** Monotonic milliseconds of its arrival. */
  readonly since: number;
  readonly resolve: (outcomes: LedgerOutcome[]) => void;
  readonly reject: (error: unknown) => void;
}

/** An entry that waits for its commit, and later ones with the same id that wait for what becomes of it. */
interface Pending {
  readonly entry: LedgerEntry;
  readonly submission: Submission;
  /** Of its outcome in the submission. */
  readonly index: number;
  followers: Pending[] | null;
}

/**
 * The usage ledger: every event is answered after its commit, and many are committed together. Requests queue
 * here for a few milliseconds at most; a few lanes, each with a connection of its own, take what has gathered
 * and have Postgres decide it in one transaction (`record_usage`, migration 5; docs/adr/0007).
 */
@Injectable()
export class UsageLedger implements OnApplicationBootstrap {
  private queue: Pending[][] = [];
  /** Entries of counters that were full lately: they would spoil the fast way for all others in their batch. */
  private doubtful: Pending[][] = [];
  private queued = 0;
  private readonly full = new Set<string>();
  private readonly inFlight = new Map<string, Map<string, Pending>>();
  private readonly lanes: Lane[];
  private readonly listeners: ((batch: CommittedBatch) => Promise<void> | void)[] = [];
  private cautious = 0;
  private scheduled = false;
  private looksAgain = false;
  private doubtfulNext = false;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    private readonly lifecycle: Lifecycle,
  ) {
    this.lanes = Array.from({ length: config.usage.lanes }, () => ({
      connection: new DedicatedConnection(config.database.url, 'tenant-billing-ledger'),
      isBusy: false,
      since: 0,
    }));
  }

  onApplicationBootstrap(): void {
    this.lifecycle.onShutdown('relays', 'usage ledger', async () => {
      await this.drained();
      await Promise.all(this.lanes.map(({ connection }) => connection.close()));
    });
  }

  /** Told about each committed batch before its requests are answered; must not throw. */
  onCommitted(listener: (batch: CommittedBatch) => Promise<void> | void): void {
    this.listeners.push(listener);
  }

  /** Tells the same listeners of counters that were changed beside the ledger, after their commit. */
  async tell(batch: CommittedBatch): Promise<void> {
    await Promise.all(this.listeners.map((listen) => listen(batch)));
  }

  /**
   * Commits the entries and tells what became of each, in their order.
   * @throws BillingError overloaded when too much is waiting; dependency_unavailable when Postgres does not
   *   answer in time: whether the events were counted is then unknown, and sending them again is safe
   */
  record(entries: readonly LedgerEntry[]): Promise<LedgerOutcome[]> {
    if (entries.length === 0) return Promise.resolve([]);
    if (this.queued + entries.length > MOST_QUEUED) {
      this.metrics.usageShed.inc();
      return Promise.reject(new BillingError('overloaded', { retryAfter: 1 }));
    }
    return new Promise((resolve, reject) => {
      const since = this.clock.monotonicMs();
      const submission = {
        outcomes: new Array(entries.length),
        open: entries.length,
        since,
        resolve,
        reject,
      };
      this.enqueue(entries.map((entry, index) => ({ entry, submission, index, followers: null })));
    });
  }

  /** The entries of one request stay together, those of full counters apart. */
  private enqueue(pendings: readonly Pending[]): void {
    const together: Pending[] = [];
    const apart: Pending[] = [];
    for (const pending of pendings) {
      const leader = this.leaderOf(pending.entry);
      if (leader) {
        (leader.followers ??= []).push(pending);
        continue;
      }
      this.remember(pending);
      const isFull = this.full.size > 0 && this.full.has(counterKey(pending.entry.target));
      (isFull ? apart : together).push(pending);
    }
    this.push(this.queue, together);
    this.push(this.doubtful, apart);
  }

  private push(queue: Pending[][], pendings: Pending[]): void {
    if (pendings.length === 0) return;
    queue.push(pendings);
    this.queued += pendings.length;
    this.schedule();
  }

  /** All requests that one turn of the event loop has brought are committed together. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.startLanes();
    });
  }

  private startLanes(): void {
    for (const lane of this.lanes) if (!lane.isBusy && this.isWorthALane()) void this.work(lane);
    if (this.queued === 0 || this.looksAgain) return;
    this.looksAgain = true;
    setTimeout(() => {
      this.looksAgain = false;
      this.startLanes();
    }, SLOW_COMMIT_MS).unref();
  }

  private isWorthALane(): boolean {
    if (this.queued >= WORTH_A_LANE) return true;
    const slow = this.clock.monotonicMs() - SLOW_COMMIT_MS;
    return this.lanes.every(({ isBusy, since }) => !isBusy || since <= slow);
  }

  private async work(lane: Lane): Promise<void> {
    lane.isBusy = true;
    for (let pendings = this.take(); pendings.length > 0; pendings = this.take()) {
      lane.since = this.clock.monotonicMs();
      await this.commit(lane, pendings);
    }
    lane.isBusy = false;
  }

  private take(): Pending[] {
    // In turns, so that neither waits for the other to run dry.
    this.doubtfulNext = !this.doubtfulNext;
    const [first, second] = this.doubtfulNext ? [this.doubtful, this.queue] : [this.queue, this.doubtful];
    const queue = first.length > 0 ? first : second;
    const taken: Pending[] = [];
    while (queue.length > 0 && (taken.length === 0 || taken.length + queue[0]!.length <= BATCH_ENTRIES))
      taken.push(...queue.shift()!);
    this.queued -= taken.length;
    return taken;
  }

  private async commit(lane: Lane, pendings: Pending[]): Promise<void> {
    const batch = new LedgerBatch(pendings.map(({ entry }) => entry));
    const started = this.clock.monotonicMs();
    try {
      const row = await this.run(lane.connection, batch);
      this.metrics.usageBatch.observe((this.clock.monotonicMs() - started) / 1000);
      const outcomes = batch.outcomes(row);
      if (!row.stale) {
        this.learn(batch, row);
        const committed = batch.committed(row);
        // Beside the next batch: the lane does not wait for who is told.
        void Promise.all(this.listeners.map((listen) => listen(committed))).then(() =>
          this.settle(pendings, outcomes),
        );
      } else this.settle(pendings, outcomes);
    } catch (error) {
      for (const pending of pendings) this.fail(pending, error);
      this.failOverdue(error);
    }
  }

  private async run(connection: DedicatedConnection, batch: LedgerBatch): Promise<RecordedRow> {
    const end = this.clock.monotonicMs() + DEADLINE_MS;
    for (let run = 1; ; run++) {
      try {
        const tryAtOnce = this.cautious === 0 && run === 1;
        const { rows } = await connection.query<RecordedRow>({
          ...RECORD_USAGE,
          values: batch.parameters(this.clock.now(), tryAtOnce),
        });
        return rows[0]!;
      } catch (error) {
        const mayRunAgain = RUN_AGAIN.has((error as { code?: string }).code ?? '');
        if (!mayRunAgain || run === MOST_RUNS || this.clock.monotonicMs() > end) throw error;
        await pause(Math.random() * 10 * run);
      }
    }
  }

  /** What this batch says about the next ones; it steers the way they take, never what is decided. */
  private learn(batch: LedgerBatch, { odd, odd_status }: RecordedRow): void {
    if (this.cautious > 0) this.cautious -= 1;
    if (!odd) {
      if (this.full.size > 0) for (const key of batch.counterKeys) this.full.delete(key);
      return;
    }
    if (odd_status!.some((status) => status === 'duplicate' || status === 'conflict'))
      this.cautious = CAUTIOUS_BATCHES;
    for (const key of batch.keysRefused(odd, odd_status!)) {
      if (this.full.size >= MOST_FULL_COUNTERS) this.full.clear();
      this.full.add(key);
    }
  }

  private settle(pendings: readonly Pending[], outcomes: readonly LedgerOutcome[]): void {
    pendings.forEach((pending, at) => {
      const outcome = outcomes[at]!;
      this.release(pending);
      answer(pending, outcome);
      for (const follower of pending.followers ?? []) this.follow(follower, pending.entry, outcome);
    });
  }

  /** A second request with the same event id, sent while the first was under way. */
  private follow(follower: Pending, leader: LedgerEntry, outcome: LedgerOutcome): void {
    const wasStored = outcome.status === 'recorded' || outcome.status === 'duplicate';
    const isSame = sameEvent(follower.entry, leader);
    if (wasStored) answer(follower, { ...outcome, status: isSame ? 'duplicate' : 'conflict' });
    else if (isSame) answer(follower, outcome);
    else this.enqueue([follower]);
  }

  private fail(pending: Pending, error: unknown): void {
    this.release(pending);
    for (const { submission } of [pending, ...(pending.followers ?? [])]) submission.reject(error);
  }

  private failOverdue(error: unknown): void {
    const latest = this.clock.monotonicMs() - MOST_WAIT_MS;
    for (const queue of [this.queue, this.doubtful])
      while (queue.length > 0 && queue[0]![0]!.submission.since < latest) {
        const overdue = queue.shift()!;
        this.queued -= overdue.length;
        for (const pending of overdue) this.fail(pending, error);
      }
  }

  private leaderOf({ target, eventId }: LedgerEntry): Pending | undefined {
    return this.inFlight.get(target.tenantId)?.get(eventId);
  }

  private remember(pending: Pending): void {
    const { tenantId } = pending.entry.target;
    const ofTenant = this.inFlight.get(tenantId) ?? new Map<string, Pending>();
    ofTenant.set(pending.entry.eventId, pending);
    this.inFlight.set(tenantId, ofTenant);
  }

  private release({ entry }: Pending): void {
    const ofTenant = this.inFlight.get(entry.target.tenantId);
    ofTenant?.delete(entry.eventId);
    if (ofTenant?.size === 0) this.inFlight.delete(entry.target.tenantId);
  }

  private async drained(): Promise<void> {
    while (this.queued > 0 || this.lanes.some(({ isBusy }) => isBusy)) await pause(5);
  }
}

interface Lane {
  readonly connection: DedicatedConnection;
  isBusy: boolean;
  /** When its commit began, in monotonic milliseconds. */
  since: number;
}

function answer({ submission, index }: Pending, outcome: LedgerOutcome): void {
  submission.outcomes[index] = outcome;
  submission.open -= 1;
  if (submission.open === 0) submission.resolve(submission.outcomes);
}

/** The fingerprint of an event: metric, quantity, subject, and the time only if it was sent (decisions 9). */
function sameEvent(a: LedgerEntry, b: LedgerEntry): boolean {
  return (
    a.target.metric === b.target.metric &&
    String(a.quantity) === String(b.quantity) &&
    a.subject === b.subject &&
    (a.at === null) === (b.at === null) &&
    (a.at === null || Date.parse(a.at) === Date.parse(b.at!))
  );
}
