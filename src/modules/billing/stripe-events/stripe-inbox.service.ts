import { Inject, Injectable } from '@nestjs/common';
import { StripeEventId } from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { sha256 } from '../../../platform/crypto';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { JobQueue } from '../../../platform/queue/queue';
import { NotifiedEvent, payloadProblem } from '../../../stripe/notified-event';
import { STRIPE_API_VERSION } from '../../../stripe/stripe-client';
import { WebhookVerifier } from '../../../stripe/webhook-verifier';
import { newsOf } from './event-handlers';
import { StripeEventEntity, StripeEventStatus } from './stripe-event.entity';
import { InboxReceipt } from './stripe-events.dto';
import { StripeEventsRepository } from './stripe-events.repository';

/** Takes deliveries in: proven, stored once, answered. Everything else happens later, from the row. */
@Injectable()
export class StripeInbox {
  private readonly logger = new Logger('stripe-inbox');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly verifier: WebhookVerifier,
    private readonly events: StripeEventsRepository,
    private readonly queue: JobQueue,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Answers only after the row is committed, so that a 200 is never lost.
   * @throws BillingError invalid_signature, invalid_json; dependency_unavailable makes Stripe try again
   */
  async receive(payload: Buffer, signatures: string[]): Promise<InboxReceipt> {
    const event = this.verifier.verify(payload, signatures);
    if (event === 'thin') {
      this.logger.warn('stripe.thin_event_ignored');
      this.count('thin', 'ignored');
      return { received: true, result: 'ignored' };
    }
    return this.take(event, payload, 'delivery');
  }

  /**
   * Takes a notification of the endpoint of thin events in.
   * @throws BillingError not_configured, invalid_signature, invalid_json, dependency_unavailable
   */
  async receiveThin(payload: Buffer, signatures: string[]): Promise<InboxReceipt> {
    return this.take(this.verifier.verifyThin(payload, signatures), payload, 'delivery');
  }

  /** Stores an event once, wherever it came from, and calls a worker when there is something to do. */
  async take(
    event: NotifiedEvent,
    payload: Buffer,
    source: StripeEventEntity['source'],
  ): Promise<InboxReceipt> {
    const { status, reason } = this.fateOf(event);
    const digest = sha256(payload);
    const born = await this.events.storeOnceAcrossTenants({
      eventId: event.id as StripeEventId,
      type: event.type,
      apiVersion: event.apiVersion,
      livemode: event.livemode,
      objectId: event.objectId,
      objectType: event.objectType,
      customerId: event.customerId,
      payload,
      payloadSha256: digest,
      createdAt: event.createdAt,
      receivedAt: this.clock.realNow(),
      status,
      error: reason,
      source,
    });
    if (!born) return this.again(event, digest, source);
    if (event.apiVersion !== null && event.apiVersion !== STRIPE_API_VERSION)
      this.alarm('webhook_api_version', event);
    if (status === 'pending') this.wakeWorker(event.id);
    this.count(event.type, status === 'pending' ? 'received' : status === 'dead' ? 'dead' : 'ignored');
    return { received: true, result: status === 'ignored' ? 'ignored' : 'stored' };
  }

  /** What can be said of an event before it is processed. */
  private fateOf(event: NotifiedEvent): { status: StripeEventStatus; reason: string | null } {
    if (event.livemode !== null && event.livemode !== this.config.stripe.livemode) {
      this.alarm('webhook_wrong_mode', event);
      return { status: 'ignored', reason: 'event of the other mode (livemode differs)' };
    }
    if (newsOf(event.type) === null) return { status: 'ignored', reason: 'type is not handled' };
    const problem =
      payloadProblem(event) ??
      // A meter that was not found has no id to tell, an invoice that is still to come has none yet.
      (event.objectId || newsOf(event.type) === 'meter_error' || event.type === 'invoice.upcoming'
        ? null
        : 'malformed payload: an object without an id');
    if (problem === null) return { status: 'pending', reason: null };
    this.alarm('webhook_malformed', event);
    return { status: 'dead', reason: problem };
  }

  /** The same id once more: the first one stands, whatever this one says (B-017). */
  private async again(
    event: NotifiedEvent,
    digest: Buffer,
    source: StripeEventEntity['source'],
  ): Promise<InboxReceipt> {
    const first = await this.events.originOfAcrossTenants(event.id as StripeEventId);
    // What Stripe lists is written differently from what it delivers, though it says the same.
    const isComparable = source === 'delivery' && first?.source === 'delivery';
    if (isComparable && !first.digest.equals(digest)) this.alarm('webhook_id_reused', event);
    this.count(event.type, 'duplicate');
    return { received: true, result: 'duplicate' };
  }

  /** A hint only, and not waited for: with Redis down the sweeper finds the row. */
  private wakeWorker(eventId: string): void {
    void this.queue.add('stripe-events.process', { event_id: eventId }, eventId);
  }

  private alarm(kind: string, event: NotifiedEvent): void {
    this.metrics.alarms.inc({ kind });
    this.logger.warn(`stripe.${kind}`, { event_id: event.id, type: event.type.slice(0, 100) });
  }

  /** Unknown types share one label: Stripe's list is long, a sender's imagination longer. */
  private count(type: string, result: string): void {
    this.metrics.webhookEvents.inc({ type: newsOf(type) ? type : 'other', result });
  }
}
