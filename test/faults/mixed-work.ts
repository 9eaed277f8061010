import { randomUUID } from 'node:crypto';
import type { Cluster, ClusterTenant } from './cluster';
import type { FaultClient, Settled } from './fault-client';
import { LedgerBook } from './ledger-book';

const RESERVATIONS = '/v1/billings/usage/reservations';
/** Of the gauge that is reserved, counted up and counted down. */
export const SEATS = 40;

/** Everything that changes a counter, by clients that repeat what they do not know: events, gauges, reservations, corrections. */
export class MixedWork {
  readonly book = new LedgerBook();
  /** Operations that were settled, by name. */
  readonly done = new Map<string, number>();
  /** Answers that a correct client never gets. */
  readonly oddities: string[] = [];
  private readonly reserved = new Map<string, string>();
  private made = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly client: FaultClient,
    private readonly tenants: readonly ClusterTenant[],
    private readonly random: () => number,
  ) {}

  /** Does one thing, to its end. */
  async step(): Promise<void> {
    const tenant = this.tenants[Math.floor(this.random() * this.tenants.length)]!;
    const dice = this.random();
    if (dice < 0.45) await this.record(tenant);
    else if (dice < 0.6) await this.recordBatch(tenant);
    else if (dice < 0.75) await this.upThenDown(tenant);
    else if (dice < 0.95) await this.reserve(tenant);
    else await this.recordThenCorrect(tenant);
  }

  /** Reservations that a key made, and that are there: one each. */
  async strayReservations(): Promise<number> {
    const rows = await this.cluster.postgres.rows<{ id: string }>(
      'select id from usage_reservations where tenant_id = any($1)',
      [this.tenants.map(({ id }) => id)],
    );
    const known = new Set(this.reserved.values());
    const missing = [...known].filter((id) => !rows.some((row) => row.id === id)).length;
    return rows.filter(({ id }) => !known.has(id)).length + missing;
  }

  private async record(tenant: ClusterTenant): Promise<void> {
    const event = {
      event_id: this.newId(),
      metric: 'api_calls',
      quantity: 1 + Math.floor(this.random() * 4),
    };
    await this.book.send(this.client, tenant, event);
    this.count('recorded');
  }

  private async recordBatch(tenant: ClusterTenant): Promise<void> {
    const events = Array.from({ length: 2 + Math.floor(this.random() * 8) }, () => ({
      event_id: this.newId(),
      metric: this.random() < 0.5 ? 'api_calls' : 'email_sends',
    }));
    await this.book.sendBatch(this.client, tenant, events);
    this.count('batches');
  }

  private async upThenDown(tenant: ClusterTenant): Promise<void> {
    const up = await this.post(tenant, '/v1/billings/usage/increment', {
      metric: 'seats',
      event_id: this.newId(),
    });
    if (up.status === 402) return this.count('gauge_full');
    this.expect(up, [200, 201], 'increment');
    const down = await this.post(tenant, '/v1/billings/usage/decrement', {
      metric: 'seats',
      event_id: this.newId(),
    });
    this.expect(down, [200, 201], 'decrement');
    this.count('up_and_down');
  }

  private async reserve(tenant: ClusterTenant): Promise<void> {
    const key = randomUUID();
    const quantity = 1 + Math.floor(this.random() * 6);
    const held = await this.post(tenant, RESERVATIONS, { metric: 'seats', quantity, ttl_seconds: 600 }, key);
    if (held.status === 402) return this.count('not_reserved');
    this.expect(held, [201], 'reserve');
    if (held.status !== 201) return;
    const id = held.body.id as string;
    this.reserved.set(key, id);
    if (this.random() < 0.4) {
      this.expect(
        await this.post(tenant, `${RESERVATIONS}/${id}/release`, {}, randomUUID()),
        [200],
        'release',
      );
      return this.count('released');
    }
    const taken = 1 + Math.floor(this.random() * quantity);
    const commit = await this.post(tenant, `${RESERVATIONS}/${id}/commit`, { quantity: taken }, randomUUID());
    this.expect(commit, [200], 'commit');
    if (commit.status === 200) await this.correct(tenant, commit.body.event_id as string);
    this.count('committed');
  }

  private async recordThenCorrect(tenant: ClusterTenant): Promise<void> {
    const event = { event_id: this.newId(), metric: 'email_sends', quantity: 5 };
    await this.book.send(this.client, tenant, event);
    await this.correct(tenant, event.event_id);
    this.count('corrected');
  }

  /** As an operator; gives the place of a committed reservation back. */
  private async correct(tenant: ClusterTenant, eventId: string): Promise<void> {
    const answer = await this.client.settle({
      method: 'POST',
      path: '/v1/billings/usage/corrections',
      key: this.cluster.adminKey,
      tenantId: tenant.id,
      body: { event_id: eventId, reason: 'a fault test' },
    });
    this.expect(answer, [200, 201], 'correct');
  }

  private post(tenant: ClusterTenant, path: string, body: object, idempotencyKey?: string): Promise<Settled> {
    return this.client.settle({ method: 'POST', path, key: tenant.key, body, idempotencyKey });
  }

  private expect({ status, body }: Settled, wanted: number[], what: string): void {
    if (!wanted.includes(status) && this.oddities.length < 10)
      this.oddities.push(`${what}: ${status} ${JSON.stringify(body).slice(0, 300)}`);
  }

  private count(name: string): void {
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
  }

  private newId(): string {
    return `mixed-${this.made++}`;
  }
}
