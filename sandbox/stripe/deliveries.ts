import type { Faults } from './faults';
import { seededRandom } from './random';
import { stripeSignature } from './signature';
import type { Store } from './store';
import type { Delivery } from './tables';

/** A webhook endpoint given to the sandbox when it starts. */
export interface WebhookTarget {
  url: string;
  secret: string;
  api_version?: string;
  enabled_events?: string[];
  /** What is delivered there: events with their object (the default), or notifications of API v2. */
  event_payload?: 'snapshot' | 'thin';
}

interface Endpoint extends WebhookTarget {
  id: string;
}

// Stripe retries for three days with growing pauses; a laptop wants the first retries within seconds.
export const DEFAULT_RETRY_DELAYS_MS = [
  500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 10_800_000, 21_600_000,
  43_200_000, 86_400_000, 86_400_000,
];

const MAX_IN_FLIGHT = 32;
const ATTEMPT_TIMEOUT_MS = 20_000;
const SHUFFLE_WINDOW_MS = 150;
/** A retry this near counts as due when somebody waits for quiet. */
const SOON_MS = 1_000;

/** Sends events to endpoints: signed, at least once, with pauses, until a 2xx. Timers run in real time. */
export class Deliveries {
  private readonly pending = new Map<string, Delivery>();
  private readonly inFlight = new Map<string, Promise<void>>();
  private timer: NodeJS.Timeout | null = null;
  private random = seededRandom(1);
  private faults: Faults = {};
  private configured: WebhookTarget[] = [];
  private readonly stopping = new AbortController();
  /** Planned inside an open transaction; a rolled back operation must leave nothing on its way. */
  private staged: Delivery[] = [];

  constructor(
    private readonly store: Store,
    private readonly retryDelaysMs: readonly number[] = DEFAULT_RETRY_DELAYS_MS,
  ) {
    this.takeUp();
  }

  setTargets(targets: WebhookTarget[]): void {
    this.configured = [...targets];
    this.wake();
  }

  setFaults(faults: Faults, random: () => number): void {
    this.faults = faults;
    this.random = random;
  }

  /** How many endpoints want events of this type. */
  interested(type: string): number {
    return this.endpointsFor(type).length;
  }

  /** Plans the deliveries of a new event, inside the transaction that made it. */
  plan(event: { id: string; type: string }, payload: 'snapshot' | 'thin' = 'snapshot'): void {
    for (const endpoint of this.endpointsFor(event.type, payload)) {
      const dropped = this.random() < (this.faults.drop ?? 0);
      this.enqueue(event, endpoint.id, dropped ? 'dropped' : 'pending', this.firstDelay());
      if (!dropped && this.random() < (this.faults.duplicate ?? 0)) {
        this.enqueue(event, endpoint.id, 'pending', this.firstDelay());
      }
    }
  }

  /** The transaction is over: what it planned and kept goes on its way. */
  settled(): void {
    for (const delivery of this.staged.splice(0)) {
      if (this.store.find('delivery', delivery.id)) this.pending.set(delivery.id, delivery);
    }
    this.wake();
  }

  /** Sends an event again, at once and past all delivery faults; settles after the first attempt. */
  async resend(eventId: string): Promise<void> {
    const thin = this.store.find('thin_event', eventId);
    const event = thin ?? this.store.find('event', eventId);
    if (!event) throw new RangeError(`No such event: '${eventId}'`);
    const planned = this.store.transaction(() =>
      this.endpointsFor(event.type, thin ? 'thin' : 'snapshot').map((endpoint) =>
        this.enqueue(event, endpoint.id, 'pending', 0),
      ),
    );
    this.settled();
    await Promise.all(planned.map((delivery) => this.attempt(delivery)));
  }

  list(): Delivery[] {
    return this.store.all('delivery');
  }

  /** Waits until nothing is under way or due within a second. Later retries and dropped ones do not count. */
  async idle(timeoutMs = 10_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      this.wake();
      const soon = [...this.pending.values()].filter((delivery) => dueAt(delivery) <= Date.now() + SOON_MS);
      if (soon.length === 0 && this.inFlight.size === 0) return;
      if (Date.now() > deadline) {
        throw new Error(
          `${soon.length + this.inFlight.size} webhook deliveries are still due after ${timeoutMs} ms.`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Starts what is due and sets the timer for the next. */
  wake(): void {
    if (this.stopping.signal.aborted) return;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    let next = Infinity;
    const now = Date.now();
    for (const delivery of this.pending.values()) {
      if (this.inFlight.has(delivery.id)) continue;
      const due = dueAt(delivery);
      if (due <= now && this.inFlight.size < MAX_IN_FLIGHT) void this.attempt(delivery);
      else next = Math.min(next, due);
    }
    if (next < Infinity && this.inFlight.size < MAX_IN_FLIGHT) {
      this.timer = setTimeout(() => this.wake(), Math.min(Math.max(next - now, 1), 60_000));
      this.timer.unref();
    }
  }

  /** Forgets all pending deliveries (after a reset of the store) or takes up those of a journal. */
  takeUp(): void {
    this.pending.clear();
    for (const delivery of this.store.rows('delivery')) {
      if (delivery.status === 'pending') this.pending.set(delivery.id, delivery);
    }
  }

  /** Stops at once. Attempts under way are not counted: the next start makes them again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    if (this.timer) clearTimeout(this.timer);
    await Promise.allSettled(this.inFlight.values());
  }

  private endpointsFor(type: string, payload: 'snapshot' | 'thin' = 'snapshot'): Endpoint[] {
    return this.endpoints().filter(
      ({ enabled_events: wanted, event_payload: taken = 'snapshot' }) =>
        taken === payload && (!wanted || wanted.includes('*') || wanted.includes(type)),
    );
  }

  private endpoints(): Endpoint[] {
    const configured = this.configured.map((target, index) => ({ ...target, id: `configured_${index}` }));
    const created = this.store
      .all('webhook_endpoint')
      .filter((endpoint) => endpoint.status === 'enabled')
      .map(({ id, url, enabled_events }) => ({
        id,
        url,
        enabled_events,
        secret: this.store.find('endpoint_secret', id)?.secret ?? '',
      }));
    return [...configured, ...created];
  }

  private firstDelay(): number {
    const shuffled = this.faults.shuffle ? Math.floor(this.random() * SHUFFLE_WINDOW_MS) : 0;
    return (this.faults.delay_ms ?? 0) + shuffled;
  }

  private enqueue(
    event: { id: string; type: string },
    endpoint: string,
    status: Delivery['status'],
    delayMs: number,
  ): Delivery {
    let copy = 1;
    while (this.store.find('delivery', `${event.id}.${endpoint}.${copy}`)) copy++;
    const delivery: Delivery = {
      id: `${event.id}.${endpoint}.${copy}`,
      event_id: event.id,
      type: event.type,
      endpoint,
      attempts: 0,
      status,
      last_status_code: null,
      next_attempt_at: status === 'pending' ? new Date(Date.now() + delayMs).toISOString() : null,
    };
    this.store.put('delivery', delivery);
    if (status === 'pending') this.staged.push(delivery);
    return delivery;
  }

  private attempt(delivery: Delivery): Promise<void> {
    const running = this.inFlight.get(delivery.id);
    if (running) return running;
    const attempt = this.send(delivery)
      .then((status) => this.settle(delivery, status))
      .finally(() => {
        this.inFlight.delete(delivery.id);
        this.wake();
      });
    this.inFlight.set(delivery.id, attempt);
    return attempt;
  }

  private async send(delivery: Delivery): Promise<number | null> {
    const endpoint = this.endpoints().find(({ id }) => id === delivery.endpoint);
    const event = this.store.find('event', delivery.event_id) ?? this.notification(delivery.event_id);
    if (!endpoint || !event) return null;
    const payload = JSON.stringify(event, null, 2);
    try {
      const response = await fetch(endpoint.url, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.any([this.stopping.signal, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]),
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
          'stripe-signature': stripeSignature(payload, endpoint.secret, Math.floor(Date.now() / 1000)),
        },
        body: payload,
      });
      await response.arrayBuffer();
      return response.status;
    } catch {
      // Refused, reset, timed out: the receiver never said 2xx, so the retry plan goes on.
      return null;
    }
  }

  /** A thin event says which object it is about; what happened is fetched. */
  private notification(id: string): object | null {
    const event = this.store.find('thin_event', id);
    if (!event) return null;
    const { data: _data, ...notification } = event;
    return notification;
  }

  private settle(delivery: Delivery, status: number | null): void {
    // A reset in between has removed the row; there is nothing to record.
    if (this.stopping.signal.aborted || !this.store.find('delivery', delivery.id)) return;
    const attempts = delivery.attempts + 1;
    const delivered = status !== null && status >= 200 && status < 300;
    const pause = this.retryDelaysMs[attempts - 1];
    const next: Delivery = {
      ...delivery,
      attempts,
      last_status_code: status,
      status: delivered ? 'delivered' : pause === undefined ? 'failed' : 'pending',
      next_attempt_at: delivered || pause === undefined ? null : new Date(Date.now() + pause).toISOString(),
    };
    this.store.transaction(() => this.store.put('delivery', next));
    if (next.status === 'pending') this.pending.set(next.id, next);
    else this.pending.delete(next.id);
  }
}

function dueAt(delivery: Delivery): number {
  return delivery.next_attempt_at ? Date.parse(delivery.next_attempt_at) : 0;
}
