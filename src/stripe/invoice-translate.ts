import type Stripe from 'stripe';
import { StripeCustomerId, StripePriceId, StripeProductId, StripeSubscriptionId } from '../contracts/ids';
import { InvoiceLineSnapshot, InvoiceSnapshot } from './snapshots';
import { idOf, instant, UnexpectedStripeShape } from './stripe-translate';

const STATUSES = ['draft', 'open', 'paid', 'void', 'uncollectible'] as const;

/** @throws UnexpectedStripeShape without lines or with senseless times */
export function toInvoiceSnapshot(invoice: Stripe.Invoice): InvoiceSnapshot {
  const lines = (invoice.lines as Stripe.ApiList<Stripe.InvoiceLineItem> | undefined)?.data;
  if (!Array.isArray(lines)) throw new UnexpectedStripeShape('an invoice without lines');
  const subscription = invoice.parent?.subscription_details?.subscription ?? null;
  const { status_transitions: moments } = invoice;
  return {
    id: invoice.id,
    customerId: invoice.customer ? (idOf(invoice.customer) as StripeCustomerId) : null,
    subscriptionId: subscription ? (idOf(subscription) as StripeSubscriptionId) : null,
    number: invoice.number,
    // A preview is a draft; a status we do not know is nothing that could be owed.
    status: STATUSES.find((status) => status === invoice.status) ?? 'draft',
    currency: invoice.currency,
    subtotal: invoice.subtotal,
    tax: (invoice.total_taxes ?? []).reduce((sum, { amount }) => sum + amount, 0),
    total: invoice.total,
    amountDue: invoice.amount_due,
    amountPaid: invoice.amount_paid,
    amountRemaining: invoice.amount_remaining,
    attempted: invoice.attempted,
    attemptCount: invoice.attempt_count,
    nextPaymentAttempt: moment(invoice.next_payment_attempt, 'next_payment_attempt'),
    billingReason: invoice.billing_reason,
    collectionMethod: invoice.collection_method,
    createdAt: instant(invoice.created, 'created'),
    dueAt: moment(invoice.due_date, 'due_date'),
    finalizedAt: moment(moments?.finalized_at, 'finalized_at'),
    paidAt: moment(moments?.paid_at, 'paid_at'),
    voidedAt: moment(moments?.voided_at, 'voided_at'),
    periodStart: instant(invoice.period_start, 'period_start'),
    periodEnd: instant(invoice.period_end, 'period_end'),
    hostedUrl: invoice.hosted_invoice_url ?? null,
    pdfUrl: invoice.invoice_pdf ?? null,
    clientSecret: invoice.confirmation_secret?.client_secret ?? null,
    lines: lines.map(toLine),
  };
}

function toLine(line: Stripe.InvoiceLineItem): InvoiceLineSnapshot {
  const details = line.parent?.subscription_item_details ?? null;
  const price = line.pricing?.price_details ?? null;
  const item = details?.subscription_item ?? null;
  return {
    id: line.id,
    description: line.description,
    amount: line.amount,
    currency: line.currency,
    quantity: line.quantity,
    priceId: price ? (idOf(price.price) as StripePriceId) : null,
    productId: price ? (idOf(price.product) as StripeProductId) : null,
    subscriptionItemId: item ? idOf(item) : null,
    isProration: details?.proration ?? line.parent?.invoice_item_details?.proration ?? false,
    discountAmount: (line.discount_amounts ?? []).reduce((sum, { amount }) => sum + amount, 0),
    periodStart: instant(line.period.start, 'line.period.start'),
    periodEnd: instant(line.period.end, 'line.period.end'),
  };
}

function moment(seconds: number | null | undefined, field: string): Date | null {
  return seconds === null || seconds === undefined ? null : instant(seconds, field);
}
