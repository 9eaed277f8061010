import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { StripeCustomerId, StripeSubscriptionId } from '../contracts/ids';
import { NotifiedEvent, toNotifiedEvent } from './notified-event';
import { SubscriptionSnapshot } from './snapshots';
import { StripeClient } from './stripe-client';
import { toSubscriptionSnapshot, UnexpectedStripeShape } from './stripe-translate';

/** As many per page as Stripe gives. */
const PAGE = 100;

/** An event as Stripe's list tells it; the bytes are ours, since nobody signed them. */
export interface ListedEvent {
  event: NotifiedEvent;
  payload: Buffer;
}

export interface ListedSubscription {
  id: StripeSubscriptionId;
  customerId: StripeCustomerId;
  /** Null for one whose shape we do not understand. */
  snapshot: SubscriptionSnapshot | null;
}

/** One page of a long list. */
export interface ListPage<T> {
  rows: T[];
  /** Where the next page begins; null when this is the last. */
  after: string | null;
}

/**
 * The long lists that reconciliation walks, page by page, so that each page has the budget of one call.
 * All methods throw BillingError stripe_unavailable when Stripe is away.
 */
@Injectable()
export class ReconciliationGateway {
  constructor(private readonly client: StripeClient) {}

  /**
   * Events of a time, newest first. Stripe keeps 30 days (docs.stripe.com/api/events).
   * @param to exclusive; open when left out
   */
  async events(from: Date, to: Date | null, after: string | null): Promise<ListPage<ListedEvent>> {
    const created = { gte: seconds(from), ...(to ? { lt: seconds(to) } : {}) };
    const page = await this.client.call('events.list', (stripe, options) =>
      stripe.events.list({ created, limit: PAGE, ...(after ? { starting_after: after } : {}) }, options),
    );
    const rows = page.data.flatMap((listed) => {
      const event = toNotifiedEvent(listed);
      return event ? [{ event, payload: Buffer.from(JSON.stringify(listed)) }] : [];
    });
    return { rows, after: nextOf(page) };
  }

  /** All subscriptions of the account, ended ones too. */
  async subscriptions(after: string | null): Promise<ListPage<ListedSubscription>> {
    const page = await this.client.call('subscriptions.list', (stripe, options) =>
      stripe.subscriptions.list(
        { status: 'all', limit: PAGE, ...(after ? { starting_after: after } : {}) },
        options,
      ),
    );
    return { rows: page.data.map(toListed), after: nextOf(page) };
  }
}

function toListed(subscription: Stripe.Subscription): ListedSubscription {
  const { customer } = subscription;
  return {
    id: subscription.id as StripeSubscriptionId,
    customerId: (typeof customer === 'string' ? customer : customer.id) as StripeCustomerId,
    snapshot: readable(subscription),
  };
}

function readable(subscription: Stripe.Subscription): SubscriptionSnapshot | null {
  try {
    return toSubscriptionSnapshot(subscription);
  } catch (error) {
    if (error instanceof UnexpectedStripeShape) return null;
    throw error;
  }
}

function nextOf(page: Stripe.ApiList<{ id: string }>): string | null {
  return page.has_more ? (page.data.at(-1)?.id ?? null) : null;
}

function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}
