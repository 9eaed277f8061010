import type Stripe from 'stripe';
import type { Account } from '../account';
import { decimalText } from '../amounts';
import { discountAmounts } from '../discounts';
import { moneyText } from '../money-text';
import type { Period } from '../periods';
import { newId } from '../random';

/** One line of an invoice to be made. */
export interface InvoiceLineOrder {
  amount: number;
  price: Stripe.Price;
  quantity: number;
  description: string;
  period: Period;
  /** The subscription item billed, or null for a one-time price beside a subscription. */
  item: Stripe.SubscriptionItem | null;
}

export interface InvoiceOrder {
  id: string;
  customer: Stripe.Customer;
  subscription: Stripe.Subscription;
  lines: InvoiceLineOrder[];
  discounts: { discount: Stripe.Discount; coupon: Stripe.Coupon }[];
  billingReason: Stripe.Invoice.BillingReason;
}

/** A draft invoice of a subscription, amounts and discounts worked out per line. */
export function makeInvoice(account: Account, order: InvoiceOrder): Stripe.Invoice {
  const { customer, subscription } = order;
  const now = account.now();
  const perCoupon = discountAmounts(
    order.lines.map((line) => ({ amount: line.amount, product: line.price.product as string })),
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
  const sends = subscription.collection_method === 'send_invoice';
  return {
    id: order.id,
    object: 'invoice',
    account_country: 'US',
    account_name: account.merchantName,
    account_tax_ids: null,
    amount_due: total,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_remaining: total,
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    auto_advance: true,
    automatic_tax: {
      disabled_reason: null,
      enabled: subscription.automatic_tax.enabled,
      liability: subscription.automatic_tax.liability,
      provider: subscription.automatic_tax.enabled ? 'stripe' : null,
      status: subscription.automatic_tax.enabled ? 'complete' : null,
    },
    automatically_finalizes_at: null,
    billing_reason: order.billingReason,
    collection_method: subscription.collection_method,
    created: now,
    currency: subscription.currency,
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
    due_date: sends ? now + (subscription.days_until_due ?? 0) * 86_400 : null,
    effective_at: null,
    ending_balance: null,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: 'self' },
    last_finalization_error: null,
    latest_revision: null,
    lines: { object: 'list', data: lines, has_more: false, url: `/v1/invoices/${order.id}/lines` },
    livemode: false,
    metadata: {},
    next_payment_attempt: null,
    number: null,
    on_behalf_of: null,
    parent: {
      quote_details: null,
      subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
      type: 'subscription_details',
    },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: now,
    period_start: now,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: 0,
    statement_descriptor: null,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal,
    subtotal_excluding_tax: subtotal,
    test_clock: null,
    total,
    total_discount_amounts: totals,
    total_excluding_tax: total,
    total_pretax_credit_amounts: totals.map(({ amount, discount }) => ({
      amount,
      discount,
      type: 'discount',
    })),
    total_taxes: [],
    webhooks_delivered_at: now,
  };
}

function makeLine(
  order: InvoiceOrder,
  line: InvoiceLineOrder,
  discounts: { amount: number; discount: string }[],
): Stripe.InvoiceLineItem {
  const { price, item } = line;
  const subscription = order.subscription.id;
  return {
    id: newId('il'),
    object: 'line_item',
    amount: line.amount,
    currency: price.currency,
    description: line.description,
    discount_amounts: discounts,
    discountable: true,
    discounts: [],
    invoice: order.id,
    livemode: false,
    metadata: item ? order.subscription.metadata : {},
    parent: item
      ? {
          invoice_item_details: null,
          subscription_item_details: {
            invoice_item: null,
            proration: false,
            proration_details: { credited_items: null },
            subscription,
            subscription_item: item.id,
          },
          type: 'subscription_item_details',
        }
      : {
          invoice_item_details: {
            invoice_item: newId('ii'),
            proration: false,
            proration_details: { credited_items: null },
            subscription,
          },
          subscription_item_details: null,
          type: 'invoice_item_details',
        },
    period: line.period,
    pretax_credit_amounts: discounts.map((entry) => ({ ...entry, type: 'discount' })),
    pricing: {
      price_details: { price: price.id, product: price.product as string },
      type: 'price_details',
      unit_amount_decimal: price.unit_amount_decimal,
    },
    quantity: line.quantity,
    quantity_decimal: decimalText(String(line.quantity)),
    subscription: item ? subscription : null,
    subtotal: line.amount,
    taxes: [],
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
