import { Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import { PaymentsGateway } from '../../../stripe/payments-gateway';
import { StripeFailure } from '../../../stripe/stripe-failures';
import { EditableSubscription } from '../../../stripe/subscription-gateway';

/** Stripe's codes for a payment that did not go through; everything else that it refuses is a wrong request. */
const PAYMENT_CODES = new Set([
  'card_declined',
  'expired_card',
  'incorrect_cvc',
  'processing_error',
  'insufficient_funds',
  'authentication_required',
  'subscription_payment_intent_requires_action',
  'invoice_payment_intent_requires_action',
  'payment_intent_authentication_failure',
  'payment_intent_payment_attempt_failed',
]);

/** What the payer has to do when a change waits for its payment. */
@Injectable()
export class PendingPayment {
  constructor(private readonly gateway: PaymentsGateway) {}

  /** Where to finish the payment of the subscription's latest invoice: 402 payment_action_required. */
  async of(editable: EditableSubscription): Promise<BillingError> {
    return this.ofInvoice(editable.latestInvoiceId);
  }

  /** The same for one invoice. */
  async ofInvoice(stripeInvoiceId: string | null): Promise<BillingError> {
    const invoice = stripeInvoiceId
      ? await this.gateway.invoice(stripeInvoiceId, { withSecret: true })
      : null;
    return new BillingError('payment_action_required', {
      extra: {
        client_secret: invoice?.clientSecret ?? null,
        hosted_invoice_url: invoice?.hostedUrl ?? null,
        amount_due: invoice?.amountRemaining ?? null,
        currency: invoice?.currency ?? null,
      },
    });
  }
}

/** Whether Stripe refused because of the payment, not because of the request. */
export function isPaymentFailure(error: unknown): boolean {
  return error instanceof StripeFailure && error.stripeCode !== null && PAYMENT_CODES.has(error.stripeCode);
}

/** What Stripe refuses although we thought it fine, for our caller. */
export function asRefusal(error: unknown): unknown {
  if (!(error instanceof StripeFailure)) return error;
  return new BillingError('unprocessable', { detail: 'Stripe refused this change.', cause: error });
}
