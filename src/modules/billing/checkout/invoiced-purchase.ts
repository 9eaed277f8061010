import { Injectable, OnModuleInit } from '@nestjs/common';
import { StripeCustomerId } from '../../../contracts/ids';
import { BillingGateway, InvoicedSubscriptionRequest } from '../../../stripe/billing-gateway';
import { StripeOperations } from '../../../stripe/operations/stripe-operations';
import { StripeFailure } from '../../../stripe/stripe-failures';
import { BillingError } from '../../../contracts/errors';
import { SubscriptionsService } from '../subscriptions/subscriptions.service';

/**
 * Buying a plan that is paid by invoice: nothing to pay on a page, so the subscription itself is started, and
 * Stripe sends invoices to be paid within the agreed days. As with a checkout, only the webhook changes what
 * the tenant has.
 */
@Injectable()
export class InvoicedPurchase implements OnModuleInit {
  constructor(
    private readonly operations: StripeOperations,
    private readonly subscriptions: SubscriptionsService,
    private readonly gateway: BillingGateway,
  ) {}

  /** Settled by the janitor it needs nothing more: the webhook brings the subscription. */
  onModuleInit(): void {
    this.operations.handle<InvoicedSubscriptionRequest>('subscriptions.create', {
      send: (persisted, key) => this.gateway.startInvoiced(persisted, key),
      find: (persisted, key) => this.gateway.findInvoiced(persisted, key),
    });
  }

  /** @throws BillingError stripe_unavailable, unprocessable */
  async start(
    customerId: StripeCustomerId,
    request: Omit<InvoicedSubscriptionRequest, 'customerId'>,
  ): Promise<void> {
    // The how-manieth purchase of this tenant it is: a second click finds the first one's operation, a
    // purchase after the end of the former subscription is a new one.
    const past = await this.subscriptions.countFromStripe();
    try {
      await this.operations.once({
        intent: `invoiced-subscription:${past + 1}`,
        kind: 'subscriptions.create',
        request: { ...request, customerId },
      });
    } catch (error) {
      if (!(error instanceof StripeFailure)) throw error;
      throw new BillingError('unprocessable', { detail: 'Stripe refused this subscription.', cause: error });
    }
  }
}
