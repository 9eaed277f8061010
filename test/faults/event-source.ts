import { setTimeout as pause } from 'node:timers/promises';
import { deliver, madeUpEvent, signed } from '../support/stripe-delivery';
import type { Cluster } from './cluster';

/** Stripe waits for answers, too; without a bound this process would be busier than those it tests. */
const MOST_ON_THEIR_WAY = 64;

/** Stripe, as far as it sends events: so many a second, each again and again until somebody says 200. */
export class EventSource {
  readonly acknowledged: string[] = [];
  /** Milliseconds to each 200, of the attempt that got it. */
  readonly latencies: number[] = [];
  refused = 0;

  constructor(
    private readonly cluster: Cluster,
    /** Subscriptions that the events are about, in turn. */
    private readonly subscriptions: readonly string[],
    /** Replicas that take them. */
    private readonly doors: readonly number[],
  ) {}

  /** Sends events at an even pace; answers when all of them were acknowledged. */
  async send(count: number, perSecond: number): Promise<void> {
    const begun = performance.now();
    const onTheirWay = new Set<Promise<void>>();
    for (let sent = 0; sent < count; sent += 1) {
      const due = begun + (sent * 1000) / perSecond;
      if (due > performance.now()) await pause(due - performance.now());
      while (onTheirWay.size >= MOST_ON_THEIR_WAY) await Promise.race(onTheirWay);
      const one = this.sendOne(sent).finally(() => onTheirWay.delete(one));
      onTheirWay.add(one);
    }
    await Promise.all(onTheirWay);
  }

  private async sendOne(number: number): Promise<void> {
    const object = this.cluster.stripe.object(
      'subscription',
      this.subscriptions[number % this.subscriptions.length]!,
    );
    const event = madeUpEvent({ data: { object } });
    const payload = JSON.stringify(event);
    for (let attempt = 0; ; attempt += 1) {
      const door = this.cluster.replicas[this.doors[(number + attempt) % this.doors.length]!]!;
      const began = performance.now();
      const answer = await deliver(door.url, payload, signed(payload, this.cluster.webhookSecret)).catch(
        () => null,
      );
      if (answer?.status === 200) {
        this.latencies.push(performance.now() - began);
        this.acknowledged.push(String(event.id));
        return;
      }
      this.refused += 1;
      await pause(Math.min(50 * 2 ** attempt, 2000));
    }
  }
}

/** Events that were acknowledged and are not processed now. */
export async function unprocessed(cluster: Cluster, acknowledged: readonly string[]): Promise<number> {
  const [row] = await cluster.postgres.rows<{ n: string }>(
    `select count(*) as n from unnest($1::text[]) as sent (id)
      where not exists (select 1 from stripe_events where event_id = sent.id and status = 'processed')`,
    [acknowledged],
  );
  return Number(row!.n);
}
