import { seeded } from '../support/random';
import type { Cluster, ClusterTenant } from './cluster';
import { LedgerBook, type SentEvent } from './ledger-book';
import { inStrands } from './parallel';
import { Findings, type Report, type Scenario, type Size } from './scenario';

const SIZES = {
  short: { events: 1_500, clients: 32, kills: 2, tenants: 4, ambiguous: 5 },
  long: { events: 100_000, clients: 128, kills: 50, tenants: 20, ambiguous: 500 },
};
const REPEATS = 0.1;
const METRICS = ['api_calls', 'email_sends', 'campaigns', 'faults_count'];

/** an acknowledged event counts exactly once, whenever the service is killed. */
export const r01: Scenario = {
  id: 'R-01',
  title: 'SIGKILL of random replicas under load; clients repeat until they know, and a tenth on purpose',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  await cluster.makeMeter({ key: 'faults_count', aggregation: 'count' });
  const tenants = await cluster.makeTenants(plan.tenants);
  for (const tenant of tenants) await cluster.setLimit(tenant, 'faults_count', null);
  const client = cluster.client({ seed: 1 });
  const book = new LedgerBook();
  const sender = new Sender(tenants, seeded(1));
  const killer = new Killer(cluster, plan.kills, seeded(2));
  let sent = 0;
  await inStrands(
    plan.clients,
    () => sent >= plan.events && killer.isDone,
    async () => {
      const { tenant, events } = sender.next();
      sent += events.length;
      if (events.length === 1) await book.send(client, tenant, events[0]!);
      else await book.sendBatch(client, tenant, events);
      killer.progress(sent / plan.events);
    },
  );
  await killer.settled();

  findings.note('events', sent);
  findings.note('ids', book.size);
  findings.must('kills', killer.kills, plan.kills);
  const found = await book.compare(cluster);
  findings.must('lost', found.lost, 0);
  findings.must('doubled', found.recordedTwice, 0);
  findings.must('unacknowledged', book.size - found.acknowledged, 0);
  findings.must('wrong_duplicates', found.wrongDuplicates, 0);
  findings.must('altered', found.altered, 0);
  findings.must('unknown', found.unknown, 0);
  findings.client(client, cluster);
  findings.mustBeAtLeast('ambiguous', client.counts.ambiguous, plan.ambiguous);
  findings.note('saved_by_retry', found.savedByRetry);
  for (const oddity of book.oddities) findings.fail(oddity);
  await findings.invariants(cluster);
  client.close();
  return findings.report();
}

/** Single events and small batches of many tenants, a tenth of them sent before. */
class Sender {
  private made = 0;
  private readonly recent: { tenant: ClusterTenant; event: SentEvent }[] = [];

  constructor(
    private readonly tenants: readonly ClusterTenant[],
    private readonly random: () => number,
  ) {}

  next(): { tenant: ClusterTenant; events: SentEvent[] } {
    const tenant = this.tenants[Math.floor(this.random() * this.tenants.length)]!;
    const count = this.random() < 0.8 ? 1 : 2 + Math.floor(this.random() * 6);
    const events: SentEvent[] = [];
    for (let at = 0; at < count; at++) {
      const known = this.repeat(tenant);
      // Twice in one batch would be a test of its own.
      if (known && !events.some(({ event_id }) => event_id === known.event_id)) events.push(known);
      else events.push(this.make(tenant));
    }
    return { tenant, events };
  }

  private repeat(tenant: ClusterTenant): SentEvent | null {
    if (this.random() >= REPEATS) return null;
    const theirs = this.recent.filter((one) => one.tenant === tenant);
    return theirs[Math.floor(this.random() * theirs.length)]?.event ?? null;
  }

  private make(tenant: ClusterTenant): SentEvent {
    const event: SentEvent = {
      event_id: `r01-${this.made++}`,
      metric: METRICS[Math.floor(this.random() * METRICS.length)]!,
      quantity: 1 + Math.floor(this.random() * 5),
    };
    if (this.random() < 0.2)
      event.timestamp = new Date(Date.now() - Math.floor(this.random() * 60_000)).toISOString();
    this.recent.push({ tenant, event });
    if (this.recent.length > 2_000) this.recent.shift();
    return event;
  }
}

/** Kills a replica whenever another part of the work is done; at least one goes on. */
class Killer {
  kills = 0;
  private readonly restarts = new Set<Promise<void>>();
  private failure: unknown = null;

  constructor(
    private readonly cluster: Cluster,
    private readonly wanted: number,
    private readonly random: () => number,
  ) {}

  get isDone(): boolean {
    return this.kills >= this.wanted;
  }

  /** @param part of the work that is done, from 0 to 1 */
  progress(part: number): void {
    if (this.isDone || part < (this.kills + 0.5) / this.wanted) return;
    const running = [...this.cluster.replicas.keys()].filter((at) => this.cluster.replicas[at]!.isRunning);
    if (this.restarts.size >= this.cluster.replicas.length - 1 || running.length < 2) return;
    this.kills++;
    const victim = running[Math.floor(this.random() * running.length)]!;
    const restart = this.cluster
      .killAndRestart(victim)
      .catch((error: unknown) => (this.failure = error))
      .then(() => void this.restarts.delete(restart));
    this.restarts.add(restart);
  }

  async settled(): Promise<void> {
    await Promise.all(this.restarts);
    if (this.failure) throw this.failure;
  }
}
