import { Inject, Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { StripeCustomerId, StripePriceId, StripeSubscriptionId } from '../contracts/ids';
import { LineDiscount } from '../domain/proration';
import { CONFIG } from '../platform/config/config.module';
import type { Config } from '../platform/config/env';
import { unlessMissing } from './billing-gateway';
import { toInvoiceSnapshot } from './invoice-translate';
import { InvoiceSnapshot, SubscriptionSnapshot } from './snapshots';
import { StripeClient } from './stripe-client';
import { idOf, toSubscriptionSnapshot } from './stripe-translate';

/** One change of one line: an existing item named by `id`, or a new one. */
export interface ItemChange {
  id?: string;
  priceId?: StripePriceId;
  /** Null for metered prices, which take none. */
  quantity?: number | null;
  deleted?: boolean;
}

/** A change of a subscription's lines; kept with our operation, so that a retry sends the same bytes. */
export interface ItemsRequest {
  subscriptionId: StripeSubscriptionId;
  items: ItemChange[];
  /** Unix seconds: what was previewed is what is charged. */
  prorationDate: number | null;
  /** The trial ends with the change, and the first period is charged. */
  endTrial: boolean;
  /** Whether a card is charged: only then can a change wait for its payment. */
  chargesAutomatically: boolean;
}

/** A change that waits for the end of the running period. */
export interface ScheduleRequest {
  subscriptionId: StripeSubscriptionId;
  /** The lines from then on, all of them. */
  items: { priceId: StripePriceId; quantity: number | null }[];
  interval: 'month' | 'year';
  intervalCount: number;
}

/** A subscription as one needs to know it to change it. */
export interface EditableSubscription {
  snapshot: SubscriptionSnapshot;
  latestInvoiceId: string | null;
  /** A change that waits for its payment (`pending_if_incomplete`). */
  hasPendingUpdate: boolean;
  chargesAutomatically: boolean;
  discount: { off: LineDiscount; endsAt: Date | null } | null;
}

/** A first paid subscription, charged to the customer's default payment method. */
export interface StartRequest {
  customerId: StripeCustomerId;
  priceId: StripePriceId;
  quantity: number;
  paymentMethodId: string;
  metadata: Record<string, string>;
}

/** Stripe's ways to change a running subscription, in our words. Each takes a key made of our own operation. */
@Injectable()
export class SubscriptionGateway {
  constructor(
    private readonly client: StripeClient,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Null when Stripe has none of this id. */
  editable(id: StripeSubscriptionId): Promise<EditableSubscription | null> {
    return unlessMissing(async () => {
      const found = await this.client.call('subscriptions.retrieve', (stripe, options) =>
        stripe.subscriptions.retrieve(id, { expand: ['discounts.source.coupon'] }, options),
      );
      return {
        snapshot: toSubscriptionSnapshot(found),
        latestInvoiceId: found.latest_invoice ? idOf(found.latest_invoice) : null,
        hasPendingUpdate: found.pending_update !== null && found.pending_update !== undefined,
        chargesAutomatically: found.collection_method === 'charge_automatically',
        discount: discountOf(found.discounts),
      };
    });
  }

  /** What the change would be invoiced as, from Stripe itself. */
  async preview(customerId: StripeCustomerId, request: ItemsRequest): Promise<InvoiceSnapshot> {
    const invoice = await this.client.call('invoices.create_preview', (stripe, options) =>
      stripe.invoices.createPreview(
        {
          customer: customerId,
          subscription: request.subscriptionId,
          subscription_details: {
            items: request.items.map(toItem),
            proration_behavior: 'always_invoice',
            ...(request.prorationDate !== null && !request.endTrial
              ? { proration_date: request.prorationDate }
              : {}),
            ...(request.endTrial ? { trial_end: 'now' as const } : {}),
          },
        },
        options,
      ),
    );
    return toInvoiceSnapshot(invoice);
  }

  /** The next invoice as it stands now; null when none will come. */
  async upcoming(customerId: StripeCustomerId, id: StripeSubscriptionId): Promise<InvoiceSnapshot> {
    const invoice = await this.client.call('invoices.create_preview', (stripe, options) =>
      stripe.invoices.createPreview({ customer: customerId, subscription: id }, options),
    );
    return toInvoiceSnapshot(invoice);
  }

  /**
   * Changes lines and charges the difference at once. A payment that fails or needs its payer leaves the
   * subscription as it was, with the change pending (Stripe, `pending_if_incomplete`).
   */
  async changeItems(request: ItemsRequest, idempotencyKey: string): Promise<string> {
    await this.client.call(
      'subscriptions.update',
      (stripe, options) =>
        stripe.subscriptions.update(
          request.subscriptionId,
          {
            items: request.items.map(toItem),
            proration_behavior: 'always_invoice',
            payment_behavior: request.chargesAutomatically ? 'pending_if_incomplete' : 'allow_incomplete',
            // Stripe takes no proration date beside the end of a trial: nothing of a trial is prorated.
            ...(request.prorationDate !== null && !request.endTrial
              ? { proration_date: request.prorationDate }
              : {}),
            ...(request.endTrial ? { trial_end: 'now' as const } : {}),
          },
          options,
        ),
      { idempotencyKey },
    );
    return request.subscriptionId;
  }

  /** Starts a subscription on the default payment method, all or nothing. */
  async start(request: StartRequest, idempotencyKey: string): Promise<string> {
    const subscription = await this.client.call(
      'subscriptions.create',
      (stripe, options) =>
        stripe.subscriptions.create(
          {
            customer: request.customerId,
            items: [{ price: request.priceId, quantity: request.quantity }],
            default_payment_method: request.paymentMethodId,
            payment_behavior: 'error_if_incomplete',
            billing_mode: { type: 'flexible' },
            metadata: Object.fromEntries(
              Object.entries(request.metadata).sort(([a], [b]) => (a < b ? -1 : 1)),
            ),
            ...(this.config.stripe.tax ? { automatic_tax: { enabled: true } } : {}),
          },
          options,
        ),
      { idempotencyKey },
    );
    return subscription.id;
  }

  /** The customer's running subscription that was started for this request, if one was. */
  async findStarted(request: StartRequest): Promise<string | null> {
    const list = await this.client.call('subscriptions.list', (stripe, options) =>
      stripe.subscriptions.list({ customer: request.customerId, limit: 100 }, options),
    );
    return list.data.find((one) => one.metadata.planId === request.metadata.planId)?.id ?? null;
  }

  /**
   * Schedules other lines for the end of the running period; answers the schedule's id. Two calls with two keys
   * made of one: the first only makes the schedule a copy of what runs, so a crash in between changes nothing.
   */
  async schedule(request: ScheduleRequest, idempotencyKey: string): Promise<string> {
    const schedule = await this.client.call(
      'subscription_schedules.create',
      (stripe, options) =>
        stripe.subscriptionSchedules.create({ from_subscription: request.subscriptionId }, options),
      { idempotencyKey: `${idempotencyKey}_create` },
    );
    const [current] = schedule.phases;
    if (!current) throw new Error('a schedule without phases');
    await this.client.call(
      'subscription_schedules.update',
      (stripe, options) =>
        stripe.subscriptionSchedules.update(
          schedule.id,
          {
            end_behavior: 'release',
            proration_behavior: 'none',
            phases: [
              {
                items: current.items.map((item) => ({
                  price: idOf(item.price),
                  ...(item.quantity === undefined ? {} : { quantity: item.quantity }),
                })),
                start_date: current.start_date,
                end_date: current.end_date,
                proration_behavior: 'none',
              },
              {
                items: request.items.map(({ priceId, quantity }) =>
                  quantity === null ? { price: priceId } : { price: priceId, quantity },
                ),
                duration: { interval: request.interval, interval_count: request.intervalCount },
                proration_behavior: 'none',
              },
            ],
          },
          options,
        ),
      { idempotencyKey: `${idempotencyKey}_update` },
    );
    return schedule.id;
  }

  /** The schedule that the subscription has now, if it has one. */
  async findSchedule(subscriptionId: StripeSubscriptionId): Promise<string | null> {
    return (await this.editable(subscriptionId))?.snapshot.scheduleId ?? null;
  }

  /** Detaches a schedule; the subscription goes on as it is. One that is over already stays what it is. */
  async releaseSchedule(scheduleId: string, idempotencyKey: string): Promise<void> {
    const schedule = await this.client.call('subscription_schedules.retrieve', (stripe, options) =>
      stripe.subscriptionSchedules.retrieve(scheduleId, {}, options),
    );
    if (schedule.status !== 'active' && schedule.status !== 'not_started') return;
    await this.client.call(
      'subscription_schedules.release',
      (stripe, options) => stripe.subscriptionSchedules.release(scheduleId, {}, options),
      { idempotencyKey },
    );
  }

  /** The subscription a schedule is or was about; null when there is none of this id. */
  subscriptionOfSchedule(scheduleId: string): Promise<StripeSubscriptionId | null> {
    return unlessMissing(async () => {
      const schedule = await this.client.call('subscription_schedules.retrieve', (stripe, options) =>
        stripe.subscriptionSchedules.retrieve(scheduleId, {}, options),
      );
      const id = schedule.subscription ? idOf(schedule.subscription) : schedule.released_subscription;
      return (id ?? null) as StripeSubscriptionId | null;
    });
  }

  /** Ends it: with the period (pending prorations are collected then), or now (nothing is given back). */
  async cancel(
    id: StripeSubscriptionId,
    at: 'period_end' | 'now',
    comment: string,
    idempotencyKey: string,
  ): Promise<void> {
    const cancellation_details = { comment };
    await this.client.call(
      at === 'now' ? 'subscriptions.cancel' : 'subscriptions.update',
      (stripe, options) =>
        at === 'now'
          ? stripe.subscriptions.cancel(id, { cancellation_details }, options)
          : stripe.subscriptions.update(id, { cancel_at_period_end: true, cancellation_details }, options),
      { idempotencyKey },
    );
  }

  /** Takes back an end that is set. */
  async reactivate(id: StripeSubscriptionId, idempotencyKey: string): Promise<void> {
    await this.client.call(
      'subscriptions.update',
      (stripe, options) => stripe.subscriptions.update(id, { cancel_at_period_end: false }, options),
      { idempotencyKey },
    );
  }

  /** Collection stops and the tenant keeps its access: invoices are made and voided. */
  async pauseCollection(
    id: StripeSubscriptionId,
    resumesAt: number | null,
    idempotencyKey: string,
  ): Promise<void> {
    await this.client.call(
      'subscriptions.update',
      (stripe, options) =>
        stripe.subscriptions.update(
          id,
          {
            pause_collection: { behavior: 'void', ...(resumesAt === null ? {} : { resumes_at: resumesAt }) },
          },
          options,
        ),
      { idempotencyKey },
    );
  }

  /** The whole subscription stops: no access, no invoices, unused time is credited. */
  async pause(id: StripeSubscriptionId, idempotencyKey: string): Promise<void> {
    await this.client.call(
      'subscriptions.pause',
      (stripe, options) =>
        stripe.subscriptions.pause(
          id,
          {
            type: 'subscription',
            bill_for: { unused_time_from: { type: 'now' }, outstanding_usage_through: { type: 'now' } },
          },
          options,
        ),
      { idempotencyKey },
    );
  }

  /** Collection goes on; invoices of the pause stay void. */
  async resumeCollection(id: StripeSubscriptionId, idempotencyKey: string): Promise<void> {
    await this.client.call(
      'subscriptions.update',
      (stripe, options) => stripe.subscriptions.update(id, { pause_collection: '' }, options),
      { idempotencyKey },
    );
  }

  /** A new period begins now and is charged; the subscription stays paused until that is paid. */
  async resume(id: StripeSubscriptionId, idempotencyKey: string): Promise<void> {
    await this.client.call(
      'subscriptions.resume',
      (stripe, options) =>
        stripe.subscriptions.resume(
          id,
          { billing_cycle_anchor: { type: 'now' }, payment_behavior: 'resume_on_payment_success' },
          options,
        ),
      { idempotencyKey },
    );
  }

  /** A link to Stripe's own pages for this customer; each lasts a few minutes. */
  async portal(customerId: StripeCustomerId, returnUrl: string): Promise<string> {
    const session = await this.client.call('billing_portal.sessions.create', (stripe, options) =>
      stripe.billingPortal.sessions.create({ customer: customerId, return_url: returnUrl }, options),
    );
    return session.url;
  }
}

function toItem({ id, priceId, quantity, deleted }: ItemChange): {
  id?: string;
  price?: string;
  quantity?: number;
  deleted?: boolean;
} {
  return {
    ...(id === undefined ? {} : { id }),
    ...(priceId === undefined ? {} : { price: priceId }),
    ...(quantity === undefined || quantity === null ? {} : { quantity }),
    ...(deleted ? { deleted } : {}),
  };
}

/**
 * The last discount counts; Stripe splits several in proportion, which only its own preview can tell. One that is
 * taken off once was taken off by the invoice that began the period.
 */
function discountOf(
  discounts: Stripe.Subscription['discounts'] | undefined,
): EditableSubscription['discount'] {
  const last = (discounts ?? []).at(-1);
  const coupon = last && typeof last !== 'string' ? last.source.coupon : null;
  if (!coupon || typeof coupon === 'string' || coupon.duration === 'once') return null;
  const { end } = last as Stripe.Discount;
  const endsAt = end === null ? null : new Date(end * 1000);
  if (coupon.percent_off !== null) return { off: { percentOff: coupon.percent_off }, endsAt };
  return coupon.amount_off !== null ? { off: { amountOff: coupon.amount_off }, endsAt } : null;
}
