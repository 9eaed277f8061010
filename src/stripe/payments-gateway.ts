import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { StripeCustomerId } from '../contracts/ids';
import { unlessMissing } from './billing-gateway';
import { toInvoiceSnapshot } from './invoice-translate';
import { InvoiceSnapshot, PaymentMethodSnapshot } from './snapshots';
import { StripeClient } from './stripe-client';
import { idOf, instant } from './stripe-translate';

const PDF_MS = 10_000;

/** One charge, as far as refunds and disputes are told. Amounts are minor units. */
export interface ChargeSnapshot {
  id: string;
  customerId: StripeCustomerId | null;
  amount: number;
  amountRefunded: number;
  currency: string;
}

/** Ways to pay and invoices, in our words. */
@Injectable()
export class PaymentsGateway {
  constructor(private readonly client: StripeClient) {}

  /** Begins storing a payment method: the payer's browser finishes it with the secret. */
  async setUp(customerId: StripeCustomerId): Promise<{ id: string; clientSecret: string | null }> {
    const intent = await this.client.call('setup_intents.create', (stripe, options) =>
      stripe.setupIntents.create({ customer: customerId, usage: 'off_session' }, options),
    );
    return { id: intent.id, clientSecret: intent.client_secret };
  }

  /** All stored ways to pay, newest first, read live. */
  methods(customerId: StripeCustomerId): Promise<PaymentMethodSnapshot[]> {
    return this.client.call('customers.payment_methods', async (stripe, options) => {
      const found: PaymentMethodSnapshot[] = [];
      const list = stripe.customers.listPaymentMethods(customerId, { limit: 100 }, options);
      for await (const method of list) found.push(toMethod(method));
      return found;
    });
  }

  /** The one that invoices are charged to; null when none is chosen. */
  async defaultMethod(customerId: StripeCustomerId): Promise<string | null> {
    const customer = await this.client.call('customers.retrieve', (stripe, options) =>
      stripe.customers.retrieve(customerId, {}, options),
    );
    if (customer.deleted) return null;
    const chosen = customer.invoice_settings.default_payment_method;
    return chosen ? idOf(chosen) : null;
  }

  async makeDefault(customerId: StripeCustomerId, methodId: string): Promise<void> {
    await this.client.call('customers.update', (stripe, options) =>
      stripe.customers.update(
        customerId,
        { invoice_settings: { default_payment_method: methodId } },
        options,
      ),
    );
  }

  async detach(methodId: string): Promise<void> {
    await this.client.call('payment_methods.detach', (stripe, options) =>
      stripe.paymentMethods.detach(methodId, {}, options),
    );
  }

  /** The invoice as it is now; null when Stripe has none of this id. */
  invoice(id: string, { withSecret = false } = {}): Promise<InvoiceSnapshot | null> {
    return unlessMissing(async () =>
      toInvoiceSnapshot(
        await this.client.call('invoices.retrieve', (stripe, options) =>
          stripe.invoices.retrieve(id, withSecret ? { expand: ['confirmation_secret'] } : {}, options),
        ),
      ),
    );
  }

  /** Pays an open invoice now, with this way to pay or the default one. */
  async pay(id: string, methodId: string | null, idempotencyKey: string): Promise<void> {
    await this.client.call(
      'invoices.pay',
      (stripe, options) =>
        stripe.invoices.pay(id, methodId === null ? {} : { payment_method: methodId }, options),
      { idempotencyKey },
    );
  }

  /** Whether Stripe still has the customer. */
  async hasCustomer(customerId: StripeCustomerId): Promise<boolean> {
    const customer = await unlessMissing(() =>
      this.client.call('customers.retrieve', (stripe, options) =>
        stripe.customers.retrieve(customerId, {}, options),
      ),
    );
    return customer !== null && !customer.deleted;
  }

  /** Null when there is none of this id. */
  charge(id: string): Promise<ChargeSnapshot | null> {
    return unlessMissing(async () => {
      const charge = await this.client.call('charges.retrieve', (stripe, options) =>
        stripe.charges.retrieve(id, {}, options),
      );
      return {
        id: charge.id,
        customerId: charge.customer ? (idOf(charge.customer) as StripeCustomerId) : null,
        amount: charge.amount,
        amountRefunded: charge.amount_refunded,
        currency: charge.currency,
      };
    });
  }

  /** The invoice that a charge paid, through its payment; null when it paid none. */
  invoiceOfCharge(chargeId: string): Promise<string | null> {
    return unlessMissing(async () => {
      const charge = await this.client.call('charges.retrieve', (stripe, options) =>
        stripe.charges.retrieve(chargeId, {}, options),
      );
      if (!charge.payment_intent) return null;
      const intent = idOf(charge.payment_intent);
      const payments = await this.client.call('invoice_payments.list', (stripe, options) =>
        stripe.invoicePayments.list(
          { payment: { type: 'payment_intent', payment_intent: intent }, limit: 1 },
          options,
        ),
      );
      const [first] = payments.data;
      return first ? idOf(first.invoice) : null;
    });
  }

  /** Stripe's PDF; its URL comes from Stripe and from nobody else. Null when it cannot be had now. */
  async pdf(url: string): Promise<Buffer | null> {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PDF_MS) }).catch(() => null);
    return answer?.ok ? Buffer.from(await answer.arrayBuffer()) : null;
  }
}

function toMethod(method: Stripe.PaymentMethod): PaymentMethodSnapshot {
  return {
    id: method.id,
    type: method.type,
    brand: method.card?.brand ?? null,
    last4: method.card?.last4 ?? null,
    expMonth: method.card?.exp_month ?? null,
    expYear: method.card?.exp_year ?? null,
    createdAt: instant(method.created, 'created'),
  };
}
