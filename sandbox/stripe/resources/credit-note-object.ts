import type Stripe from 'stripe';
import { invalidRequest, parameterMissing } from '../errors';
import { newId } from '../random';

type Line = NonNullable<Stripe.CreditNoteCreateParams['lines']>[number];

/** What a credit note takes back, before anybody decides where the money goes. */
export interface CreditOrder {
  lines: Stripe.CreditNoteLineItem[];
  subtotal: number;
  discount: number;
  total: number;
}

/**
 * The lines of a credit note: an amount of the whole invoice, or parts of its lines. A line gives back its discount
 * in proportion, rounded half up once.
 * @throws StripeApiError 400 for more than the line, nothing at all, or both ways at once
 */
export function creditOrder(
  invoice: Stripe.Invoice,
  params: Pick<Stripe.CreditNoteCreateParams, 'amount' | 'lines'>,
): CreditOrder {
  if (params.lines && params.amount !== undefined)
    throw invalidRequest('You may only specify one of these parameters: amount, lines.', 'amount');
  if (!params.lines && params.amount === undefined) throw parameterMissing('amount');
  const lines = params.lines
    ? params.lines.map((line) => creditLine(invoice, line))
    : [lineOf({ amount: params.amount!, description: null, discounts: [] })];
  const subtotal = sum(lines.map(({ amount }) => amount));
  const discount = sum(lines.map((line) => line.discount_amount));
  const total = subtotal - discount;
  if (total < 1) throw invalidRequest('The amount of a credit note must be positive.', 'amount');
  return { lines, subtotal, discount, total };
}

function creditLine(invoice: Stripe.Invoice, line: Line): Stripe.CreditNoteLineItem {
  if (line.type === 'custom_line_item') {
    const amount = line.amount ?? (line.unit_amount ?? 0) * (line.quantity ?? 1);
    return lineOf({ amount, description: line.description ?? null, discounts: [] });
  }
  const billed = invoice.lines.data.find(({ id }) => id === line.invoice_line_item);
  if (!billed)
    throw invalidRequest(
      `No such invoice line item: '${line.invoice_line_item}'`,
      'lines[0][invoice_line_item]',
      'resource_missing',
    );
  const whole = billed.quantity ?? 1;
  const amount =
    line.amount ?? (line.quantity === undefined ? billed.amount : part(billed.amount, line.quantity, whole));
  if (amount > billed.amount)
    throw invalidRequest('A line can not be credited with more than it was billed.', 'lines[0][amount]');
  const discounts = (billed.discount_amounts ?? []).map(({ amount: given, discount }) => ({
    amount: part(given, amount, billed.amount),
    discount,
  }));
  return lineOf({
    amount,
    description: line.description ?? billed.description,
    discounts,
    invoiceLine: billed.id,
    quantity: line.quantity ?? null,
  });
}

function lineOf(order: {
  amount: number;
  description: string | null;
  discounts: Stripe.CreditNoteLineItem.DiscountAmount[];
  invoiceLine?: string;
  quantity?: number | null;
}): Stripe.CreditNoteLineItem {
  const { amount, description, discounts, invoiceLine, quantity = null } = order;
  return {
    id: newId('cnli'),
    object: 'credit_note_line_item',
    amount,
    description,
    discount_amount: sum(discounts.map((entry) => entry.amount)),
    discount_amounts: discounts,
    ...(invoiceLine ? { invoice_line_item: invoiceLine } : {}),
    livemode: false,
    metadata: {},
    pretax_credit_amounts: discounts.map((entry) => ({ ...entry, type: 'discount' as const })),
    quantity,
    tax_rates: [],
    taxes: [],
    type: invoiceLine ? 'invoice_line_item' : 'custom_line_item',
    unit_amount: null,
    unit_amount_decimal: null,
  };
}

/** `of` × `share` / `whole`, rounded half up. */
function part(of: number, share: number, whole: number): number {
  if (whole === 0) return 0;
  const product = BigInt(of) * BigInt(share) * 2n + BigInt(whole);
  return Number(product / (BigInt(whole) * 2n));
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
