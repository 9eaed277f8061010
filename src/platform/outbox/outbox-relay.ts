import { Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { EventEnvelope, EventType } from '../../contracts/events';
import { TenantId, SYSTEM_TENANT } from '../../contracts/ids';
import { Database } from '../database/database';
import { TenantContext } from '../database/tenant-context';
import { Lifecycle, withDeadline } from '../lifecycle';
import { Logger } from '../logger';
import { Metrics } from '../metrics';
import { RequestContext } from '../request-context';
import { EventPublisher } from './event-publisher';
import { EventReaction, ON_EVENT } from './on-event';
import { OutboxRelaySignal } from './outbox-relay-signal';
import { OutboxRepository } from './outbox.repository';

const NUMBER_BATCH = 500;
const POLL_MS = 1000;
const PUBLISH_BUDGET_MS = 5000;
const LEASE_MS = 15_000;
const MOST_ATTEMPTS = 20;

/**
 * Tells committed facts: numbers them per tenant, lets the leaves react (each once, in a transaction with
 * the mark), and publishes them to the stream (at least once, in order per tenant).
 */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap {
  private readonly logger = new Logger('outbox');
  private readonly reactions = new Map<EventType, { name: string; react: EventReaction }[]>();
  private running: Promise<void> | null = null;
  private again = false;
  private stopped = true;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly publisher: EventPublisher,
    private readonly database: Database,
    private readonly tenantContext: TenantContext,
    private readonly requestContext: RequestContext,
    private readonly signal: OutboxRelaySignal,
    private readonly lifecycle: Lifecycle,
    private readonly metrics: Metrics,
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  /** Reactions are found once all modules stand; relaying begins with the background work. */
  onApplicationBootstrap(): void {
    this.collectReactions();
    this.lifecycle.inBackground('outbox relay', () => this.start());
    this.lifecycle.onShutdown('relays', 'outbox relay', () => this.stop());
  }

  private start(): void {
    this.stopped = false;
    this.signal.onWake(() => setTimeout(() => this.wake(), 5).unref());
    this.timer = setInterval(() => this.wake(), POLL_MS);
    this.timer.unref();
    this.wake();
  }

  /** One whole round now; tests and the shutdown call it to see everything told. */
  async drain(): Promise<void> {
    while ((await this.outbox.numberAcrossTenants(NUMBER_BATCH)) > 0);
    await this.dispatchAll();
    while ((await this.publishBatch()) > 0);
  }

  private async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearInterval(this.timer);
    await this.running;
  }

  private wake(): void {
    if (this.stopped) return;
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = this.requestContext
      .run({ requestId: 'outbox-relay', actor: { kind: 'system', id: 'outbox-relay' } }, () => this.drain())
      .catch((error) => this.logger.error('outbox.round_failed', error))
      .finally(() => {
        this.running = null;
        if (this.again) {
          this.again = false;
          this.wake();
        }
      });
  }

  private async dispatchAll(): Promise<void> {
    await this.outbox.markUnheardDispatchedAcrossTenants([...this.reactions.keys()]);
    const failed: string[] = [];
    while (!this.stoppedWhileRelaying()) {
      const handled = await this.dispatchNext(failed);
      if (!handled) return;
    }
  }

  /** The reaction's rows and the mark commit together, so each reaction happens once. */
  private async dispatchNext(failed: string[]): Promise<boolean> {
    let current: EventEnvelope | null = null;
    try {
      return await this.database.acrossTenants(async () => {
        current = await this.outbox.lockUndispatchedAcrossTenants(failed);
        if (!current) return false;
        await this.react(current);
        await this.outbox.markDispatchedAcrossTenants(current.id);
        return true;
      });
    } catch (error) {
      const event = current as EventEnvelope | null;
      if (!event) throw error;
      failed.push(event.id);
      this.metrics.alarms.inc({ kind: 'event_reaction_failed' });
      this.logger.error('outbox.reaction_failed', error, { type: event.type, event_id: event.id });
      return true;
    }
  }

  private async react(event: EventEnvelope): Promise<void> {
    for (const { react } of this.reactions.get(event.type) ?? []) {
      if (event.tenant_id === SYSTEM_TENANT) await react(event);
      else await this.tenantContext.run(event.tenant_id as TenantId, () => react(event));
    }
  }

  private async publishBatch(): Promise<number> {
    if (!this.publisher.isConfigured || this.stoppedWhileRelaying()) return 0;
    const events = await this.outbox.claimPublishableAcrossTenants(LEASE_MS);
    if (events.length === 0) return 0;
    const accepted = await this.tryPublish(events);
    if (accepted.ids.size > 0) await this.outbox.markPublishedAcrossTenants([...accepted.ids]);
    this.metrics.outboxPublished.inc({ result: 'published' }, accepted.ids.size);
    const refused = events.filter((event) => !accepted.ids.has(event.id)).map((event) => event.id);
    if (refused.length > 0) await this.putBack(refused, accepted.reason);
    this.metrics.outboxPending.set(await this.outbox.countPendingAcrossTenants());
    return accepted.ids.size;
  }

  private async tryPublish(events: EventEnvelope[]): Promise<{ ids: Set<string>; reason: string }> {
    try {
      const ids = await withDeadline(
        this.publisher.publish(events),
        PUBLISH_BUDGET_MS,
        'the stream did not answer in time',
      );
      return { ids, reason: 'refused by the stream' };
    } catch (error) {
      return { ids: new Set(), reason: error instanceof Error ? error.message : 'unknown' };
    }
  }

  private async putBack(eventIds: string[], reason: string): Promise<void> {
    const parked = await this.outbox.markRefusedAcrossTenants(eventIds, reason, MOST_ATTEMPTS);
    this.metrics.outboxPublished.inc({ result: 'failed' }, eventIds.length);
    this.logger.warn('outbox.publish_failed', { count: eventIds.length, reason });
    for (const eventId of parked) {
      this.metrics.outboxPublished.inc({ result: 'parked' });
      this.metrics.alarms.inc({ kind: 'event_parked' });
      this.logger.error('outbox.event_parked', new Error(reason), { event_id: eventId });
    }
  }

  private stoppedWhileRelaying(): boolean {
    return this.stopped && this.running !== null;
  }

  private collectReactions(): void {
    for (const { instance } of this.discovery.getProviders()) {
      if (!instance || typeof instance !== 'object') continue;
      const prototype = Object.getPrototypeOf(instance) as object;
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        const method = (instance as Record<string, unknown>)[name];
        if (typeof method !== 'function') continue;
        const types = this.reflector.get<EventType[] | undefined>(ON_EVENT, method);
        for (const type of types ?? []) {
          const reaction = {
            name,
            react: (event: EventEnvelope) => method.call(instance, event) as Promise<void>,
          };
          this.reactions.set(type, [...(this.reactions.get(type) ?? []), reaction]);
        }
      }
    }
  }
}
