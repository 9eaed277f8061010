import { Inject, Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import {
  StripeCustomerId,
  StripePriceId,
  StripeSessionId,
  StripeSubscriptionId,
  TenantId,
} from '../contracts/ids';
import { CONFIG } from '../platform/config/config.module';
import type { Config } from '../platform/config/env';
import { StripeFailure } from './stripe-failures';
import { StripeClient } from './stripe-client';
import { toCheckoutSnapshot, toPriceSnapshot, toSubscriptionSnapshot } from './stripe-translate';
import { CheckoutSnapshot, PriceSnapshot, SubscriptionSnapshot } from './snapshots';

/** Who pays. */
export interface CustomerRequest {
  tenantId: TenantId;
  name: string;
  email: string;
}

/** Everything a checkout session is made of; kept with our row, so that a retry sends the same bytes (F-27). */
export interface CheckoutRequest {
  /** Id of our own checkout row. */
  reference: string;
  customerId: StripeCustomerId;
  items: {
    priceId: StripePriceId;
    /** Null for metered prices, which take none. */ quantity: number | null;
  }[];
  discount: { promotionCodeId: string } | { couponId: string } | null;
  metadata: Record<string, string>;
  trialDays: number | null;
  successUrl: string;
  cancelUrl: string;
  /** Unix seconds. */
  expiresAt: number;
}

/** A subscription that is paid by invoice. */
export type InvoicedSubscriptionRequest = Pick<
  CheckoutRequest,
  'customerId' | 'items' | 'discount' | 'metadata' | 'trialDays'
> & { daysUntilDue: number };

/** What a subscription's checkout, customer and subscription calls are, in our words. */
@Injectable()
export class BillingGateway {
  constructor(
    private readonly client: StripeClient,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Creates the tenant's customer; the same key and request give the same customer. */
  async createCustomer(request: CustomerRequest, idempotencyKey: string): Promise<StripeCustomerId> {
    const customer = await this.client.call(
      'customers.create',
      (stripe, options) =>
        stripe.customers.create(
          { name: request.name, email: request.email, metadata: { tenantId: request.tenantId } },
          options,
        ),
      { idempotencyKey },
    );
    return customer.id as StripeCustomerId;
  }

  /** The customer that was made for the tenant, if one was: asked after an outcome that nobody can tell. */
  async findCustomer(request: CustomerRequest): Promise<StripeCustomerId | null> {
    const list = await this.client.call('customers.list', (stripe, options) =>
      stripe.customers.list({ email: request.email, limit: 100 }, options),
    );
    const made = list.data.find((customer) => customer.metadata.tenantId === request.tenantId);
    return (made?.id as StripeCustomerId | undefined) ?? null;
  }

  /** The session that was made for our row, if one was. */
  async findCheckout(request: CheckoutRequest): Promise<CheckoutSnapshot | null> {
    const list = await this.client.call('checkout.sessions.list', (stripe, options) =>
      stripe.checkout.sessions.list({ customer: request.customerId, limit: 100 }, options),
    );
    const made = list.data.find((session) => session.client_reference_id === request.reference);
    return made ? toCheckoutSnapshot(made) : null;
  }

  /** @throws StripeFailure refused, when Stripe does not take the request */
  async openCheckout(request: CheckoutRequest, idempotencyKey: string): Promise<CheckoutSnapshot> {
    const session = await this.client.call(
      'checkout.sessions.create',
      (stripe, options) => stripe.checkout.sessions.create(this.sessionParams(request), options),
      { idempotencyKey },
    );
    return toCheckoutSnapshot(session);
  }

  /** Starts a subscription whose invoices are sent to be paid within some days; answers its id. */
  async startInvoiced(request: InvoicedSubscriptionRequest, idempotencyKey: string): Promise<string> {
    const subscription = await this.client.call(
      'subscriptions.create',
      (stripe, options) =>
        stripe.subscriptions.create(
          {
            customer: request.customerId,
            items: linesOf(request.items),
            collection_method: 'send_invoice',
            days_until_due: request.daysUntilDue,
            billing_mode: { type: 'flexible' },
            // Which of our operations made it: how it is found again when its answer was lost (F-28).
            metadata: sorted({ ...request.metadata, operation: idempotencyKey }),
            ...(request.discount ? { discounts: [toDiscount(request.discount)] } : {}),
            ...(request.trialDays ? { trial_period_days: request.trialDays } : {}),
            ...(this.config.stripe.tax ? { automatic_tax: { enabled: true } } : {}),
          },
          options,
        ),
      { idempotencyKey },
    );
    return subscription.id;
  }

  /** The subscription that was started under the key, if one was. */
  async findInvoiced(request: InvoicedSubscriptionRequest, idempotencyKey: string): Promise<string | null> {
    const list = await this.client.call('subscriptions.list', (stripe, options) =>
      stripe.subscriptions.list({ customer: request.customerId, limit: 100 }, options),
    );
    return list.data.find((one) => one.metadata.operation === idempotencyKey)?.id ?? null;
  }

  /** Closes an open session; one that is already complete or expired stays what it is. */
  async expireCheckout(id: StripeSessionId): Promise<CheckoutSnapshot> {
    try {
      const session = await this.client.call('checkout.sessions.expire', (stripe, options) =>
        stripe.checkout.sessions.expire(id, {}, options),
      );
      return toCheckoutSnapshot(session);
    } catch (error) {
      if (!(error instanceof StripeFailure)) throw error;
      const current = await this.checkout(id);
      if (!current) throw error;
      return current;
    }
  }

  /** The session as it is now; null when Stripe has none of this id. */
  checkout(id: StripeSessionId): Promise<CheckoutSnapshot | null> {
    return unlessMissing(async () =>
      toCheckoutSnapshot(
        await this.client.call('checkout.sessions.retrieve', (stripe, options) =>
          stripe.checkout.sessions.retrieve(id, {}, options),
        ),
      ),
    );
  }

  /**
   * The subscription as it is now; null when Stripe has none of this id.
   * @param budgetMs for readers that would rather answer with what we know than wait
   * @throws UnexpectedStripeShape
   */
  subscription(id: StripeSubscriptionId, budgetMs?: number): Promise<SubscriptionSnapshot | null> {
    return unlessMissing(async () =>
      toSubscriptionSnapshot(
        await this.client.call(
          'subscriptions.retrieve',
          (stripe, options) => stripe.subscriptions.retrieve(id, {}, options),
          { budgetMs },
        ),
      ),
    );
  }

  /** Ids of all the customer's subscriptions, ended ones too. */
  subscriptionsOf(customerId: StripeCustomerId): Promise<StripeSubscriptionId[]> {
    return this.client.call('subscriptions.list', async (stripe, options) => {
      const ids: StripeSubscriptionId[] = [];
      const list = stripe.subscriptions.list({ customer: customerId, status: 'all', limit: 100 }, options);
      for await (const subscription of list) ids.push(subscription.id as StripeSubscriptionId);
      return ids;
    });
  }

  /** What a price is; null when there is none of this id. */
  price(id: StripePriceId): Promise<PriceSnapshot | null> {
    return unlessMissing(async () =>
      toPriceSnapshot(
        await this.client.call('prices.retrieve', (stripe, options) =>
          stripe.prices.retrieve(id, { expand: ['product'] }, options),
        ),
      ),
    );
  }

  private sessionParams(request: CheckoutRequest): Stripe.Checkout.SessionCreateParams {
    const metadata = sorted(request.metadata);
    return {
      mode: 'subscription',
      customer: request.customerId,
      client_reference_id: request.reference,
      line_items: linesOf(request.items),
      ...(request.discount ? { discounts: [toDiscount(request.discount)] } : {}),
      metadata,
      subscription_data: {
        metadata,
        // The default since 2025-09-30; said on purpose, because it cannot be changed back.
        billing_mode: { type: 'flexible' },
        ...(request.trialDays ? { trial_period_days: request.trialDays } : {}),
      },
      success_url: request.successUrl,
      cancel_url: request.cancelUrl,
      expires_at: request.expiresAt,
      ...(this.config.stripe.tax
        ? {
            automatic_tax: { enabled: true },
            tax_id_collection: { enabled: true },
            customer_update: { address: 'auto', name: 'auto' },
          }
        : {}),
    };
  }
}

function linesOf(items: CheckoutRequest['items']): { price: string; quantity?: number }[] {
  return items.map(({ priceId, quantity }) =>
    quantity === null ? { price: priceId } : { price: priceId, quantity },
  );
}

/** A request read back from a jsonb column has its keys in another order; a retry must be the same bytes. */
function sorted(metadata: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function toDiscount(
  discount: NonNullable<CheckoutRequest['discount']>,
): Stripe.Checkout.SessionCreateParams.Discount {
  return 'couponId' in discount
    ? { coupon: discount.couponId }
    : { promotion_code: discount.promotionCodeId };
}

/** Null instead of "no such object"; every other failure stays one. */
export async function unlessMissing<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof StripeFailure && error.isMissing) return null;
    throw error;
  }
}
