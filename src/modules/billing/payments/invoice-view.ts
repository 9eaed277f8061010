import { iso } from '../subscriptions/subscription-view';
import { InvoiceEntity, InvoiceLineEntity } from './invoice.entity';
import { InvoiceLineView, InvoiceView } from './payments.dto';

/** An invoice as answers and events show it. */
export function invoiceView(row: InvoiceEntity): InvoiceView {
  return {
    id: row.id,
    stripe_invoice_id: row.stripeInvoiceId,
    number: row.number,
    status: row.status,
    currency: row.currency,
    subtotal: row.subtotal,
    tax: row.tax,
    total: row.total,
    amount_due: row.amountDue,
    amount_paid: row.amountPaid,
    amount_remaining: row.amountRemaining,
    attempt_count: row.attemptCount,
    next_payment_attempt: iso(row.nextPaymentAttempt),
    billing_reason: row.billingReason,
    due_at: iso(row.dueAt),
    paid_at: iso(row.paidAt),
    period_start: row.periodStart.toISOString(),
    period_end: row.periodEnd.toISOString(),
    hosted_invoice_url: row.hostedUrl,
    created_at: row.createdAt.toISOString(),
  };
}

export function invoiceLineView(
  line: Omit<InvoiceLineEntity, 'tenantId' | 'invoiceId' | 'position'>,
): InvoiceLineView {
  return {
    id: line.id,
    description: line.description,
    amount: line.amount,
    currency: line.currency,
    quantity: line.quantity,
    price_id: line.priceId,
    subscription_item_id: line.subscriptionItemId,
    is_proration: line.isProration,
    period_start: line.periodStart.toISOString(),
    period_end: line.periodEnd.toISOString(),
  };
}
