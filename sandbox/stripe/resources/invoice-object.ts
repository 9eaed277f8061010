import type Stripe from 'stripe';
import type { Account } from '../account';
import { decimalText } from '../amounts';
import { useBalance } from '../billing/balance';
import type { AppliedDiscount } from '../billing/invoice-discounts';
import { discountAmounts } from '../discounts';
import { moneyText } from '../money-text';
import type { Period } from '../periods';
import { newId } from '../random';

/** One line of an invoice to be made. */
export interface InvoiceLineOrder {
  /** Kept when a draft is worked out anew. */
  id?: string;
  amount: number;
  /** Null for a free amount without a price. */
  price: Stripe.Price | null;
  quantity: number;
  description: string;
  period: Period;
  /** The subscription item billed, or null for a one-time price beside a subscription. */
  item: Stripe.SubscriptionItem | null;
  /** The pending invoice item that becomes this line. */
  invoiceItem?: Stripe.InvoiceItem;
  discountable?: boolean;
}

export interface InvoiceOrder {
  id: string;
  customer: Stripe.Customer;
  /** Null for an invoice of a customer without a subscription. */
  subscription: Stripe.Subscription | null;
  currency?: string;
  lines: InvoiceLineOrder[];
  discounts: AppliedDiscount[];
  billingReason: Stripe.Invoice.BillingReason;
  collectionMethod?: Stripe.Invoice.CollectionMethod;
  daysUntilDue?: number | null;
  /** Whether the draft goes on by itself, and when (Unix seconds). */
  autoAdvance?: boolean;
  finalizesAt?: number | null;
  /** The period looked back on; the moment of creation when absent. */
  period?: Period;
}

/** Amounts of an invoice and of its lines after discounts and the customer's balance. */
export function amountsOf(
  order: Pick<InvoiceOrder, 'id' | 'customer' | 'subscription' | 'lines' | 'discounts'> & {
    currency: string;
  },
) {
  const perCoupon = discountAmounts(
    order.lines.map((line) => ({
      amount: line.discountable === false ? 0 : line.amount,
      product: (line.price?.product as string | undefined) ?? '',
    })),
    order.discounts.map(({ coupon }) => coupon),
  );
  const lines = order.lines.map((line, index) => {
    const amounts = order.discounts.map(({ discount }, at) => ({
      amount: perCoupon[at]?.[index] ?? 0,
      discount: discount.id,
    }));
    return makeLine(
      order,
      line,
      amounts.filter(({ amount }) => amount > 0),
    );
  });
  const subtotal = order.lines.reduce((sum, line) => sum + line.amount, 0);
  const totals = order.discounts.map(({ discount }, at) => ({
    amount: (perCoupon[at] ?? []).reduce((sum, amount) => sum + amount, 0),
    discount: discount.id,
  }));
  const total = subtotal - totals.reduce((sum, { amount }) => sum + amount, 0);
  const { due } = useBalance(total, order.customer.balance);
  return {
    amount_due: due,
    amount_remaining: due,
    lines: {
      object: 'list' as const,
      data: lines,
      has_more: false,
      url: `/v1/invoices/${order.id}/lines`,
    },
    starting_balance: order.customer.balance,
    subtotal,
    subtotal_excluding_tax: subtotal,
    total,
    total_discount_amounts: totals,
    total_excluding_tax: total,
    total_pretax_credit_amounts: totals.map(({ amount, discount }) => ({
      amount,
      discount,
      type: 'discount' as const,
    })),
  };
}

/** A draft invoice, amounts and discounts worked out per line. */
export function makeInvoice(account: Account, order: InvoiceOrder): Stripe.Invoice {
  const { customer, subscription } = order;
  const now = account.now();
  const currency = order.currency ?? subscription?.currency ?? customer.currency ?? 'usd';
  const amounts = amountsOf({ ...order, currency });
  const method = order.collectionMethod ?? subscription?.collection_method ?? 'charge_automatically';
  const days = order.daysUntilDue ?? subscription?.days_until_due ?? 0;
  return {
    id: order.id,
    object: 'invoice',
    account_country: 'US',
    account_name: account.merchantName,
    account_tax_ids: null,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    auto_advance: order.autoAdvance ?? true,
    automatic_tax: {
      disabled_reason: null,
      enabled: subscription?.automatic_tax.enabled ?? false,
      liability: subscription?.automatic_tax.liability ?? null,
      provider: subscription?.automatic_tax.enabled ? 'stripe' : null,
      status: subscription?.automatic_tax.enabled ? 'complete' : null,
    },
    automatically_finalizes_at: order.finalizesAt ?? null,
    billing_reason: order.billingReason,
    collection_method: method,
    created: now,
    currency,
    custom_fields: null,
    customer: customer.id,
    customer_account: null,
    customer_address: customer.address ?? null,
    customer_email: customer.email,
    customer_name: customer.name ?? null,
    customer_phone: customer.phone ?? null,
    customer_shipping: null,
    customer_tax_exempt: customer.tax_exempt ?? 'none',
    customer_tax_ids: [],
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: order.discounts.map(({ discount }) => discount.id),
    due_date: method === 'send_invoice' ? now + days * 86_400 : null,
    effective_at: null,
    ending_balance: null,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: 'self' },
    last_finalization_error: null,
    latest_revision: null,
    livemode: false,
    metadata: {},
    next_payment_attempt: null,
    number: null,
    on_behalf_of: null,
    parent: subscription
      ? {
          quote_details: null,
          subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
          type: 'subscription_details',
        }
      : null,
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: order.period?.end ?? now,
    period_start: order.period?.start ?? now,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    statement_descriptor: null,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    test_clock: customer.test_clock ?? null,
    total_taxes: [],
    webhooks_delivered_at: now,
    ...amounts,
  };
}

function makeLine(
  order: { id: string; subscription: Stripe.Subscription | null; currency: string },
  line: InvoiceLineOrder,
  discounts: { amount: number; discount: string }[],
): Stripe.InvoiceLineItem {
  const { price, item, invoiceItem } = line;
  const subscription = order.subscription?.id ?? null;
  return {
    id: line.id ?? newId('il'),
    object: 'line_item',
    amount: line.amount,
    currency: price?.currency ?? order.currency,
    description: line.description,
    discount_amounts: discounts,
    discountable: line.discountable ?? true,
    discounts: [],
    invoice: order.id,
    livemode: false,
    metadata: invoiceItem?.metadata ?? (item ? (order.subscription?.metadata ?? {}) : {}),
    parent: parentOf(line, subscription),
    period: line.period,
    pretax_credit_amounts: discounts.map((entry) => ({ ...entry, type: 'discount' })),
    pricing: price
      ? {
          price_details: { price: price.id, product: price.product as string },
          type: 'price_details',
          unit_amount_decimal: price.unit_amount_decimal,
        }
      : (invoiceItem?.pricing ?? null),
    quantity: line.quantity,
    quantity_decimal: decimalText(String(line.quantity)),
    subscription: item || invoiceItem?.parent ? subscription : null,
    subtotal: line.amount,
    taxes: [],
  };
}

/** Where a line comes from: a subscription item (also its prorations), or an invoice item of its own. */
function parentOf(line: InvoiceLineOrder, subscription: string | null): Stripe.InvoiceLineItem.Parent {
  const { invoiceItem } = line;
  const proration = invoiceItem?.proration ?? false;
  const credited = invoiceItem?.proration_details?.credited_items?.invoice_line_item_details;
  const details = { credited_items: credited ?? null };
  const ofSubscription = invoiceItem?.parent?.subscription_details;
  const item = line.item?.id ?? ofSubscription?.subscription_item;
  if (item) {
    return {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: invoiceItem?.id ?? null,
        proration,
        proration_details: details,
        subscription,
        subscription_item: item,
      },
      type: 'subscription_item_details',
    };
  }
  return {
    invoice_item_details: {
      invoice_item: invoiceItem?.id ?? newId('ii'),
      proration,
      proration_details: details,
      subscription: invoiceItem ? (ofSubscription?.subscription ?? null) : subscription,
    },
    subscription_item_details: null,
    type: 'invoice_item_details',
  };
}

/** "2 × Growth (at $29.00 / month)": Stripe's wording of a line. */
export function lineDescription(productName: string, price: Stripe.Price, quantity: number): string {
  if (!price.recurring) return productName;
  const { interval, interval_count: count } = price.recurring;
  const every = count === 1 ? interval : `${count} ${interval}s`;
  const unit =
    price.unit_amount === null ? 'Tier 1' : `at ${moneyText(price.unit_amount, price.currency)} / ${every}`;
  return `${quantity} × ${productName} (${unit})`;
}
