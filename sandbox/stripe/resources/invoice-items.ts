import type Stripe from 'stripe';
import type { Account } from '../account';
import { amountFor, exactAmountFor, rounded, textOf } from '../amounts';
import { only, updated, type Call } from '../call';
import { invalidRequest, parameterMissing } from '../errors';
import { inRange, listPage } from '../pagination';
import { currencyOf } from './currency';
import { addToDraft, removeFromDraft, replaceOnDraft } from './invoice-draft';
import { makeInvoiceItem } from './invoice-item-object';
import { mergeMetadata } from './metadata';
import { inlinePrice } from './prices';

/** Adds a charge or a credit that waits for the customer's next invoice, or stands on a given draft. */
export function createInvoiceItem({ account, params }: Call<Stripe.InvoiceItemCreateParams>): object {
  only(
    params,
    'amount',
    'currency',
    'customer',
    'description',
    'discountable',
    'invoice',
    'metadata',
    'period',
    'price_data',
    'pricing',
    'quantity',
    'subscription',
    'unit_amount_decimal',
  );
  const subscription = params.subscription
    ? account.get('subscription', params.subscription, 'subscription')
    : null;
  const customerId = params.customer ?? (subscription?.customer as string | undefined);
  if (!customerId) throw parameterMissing('customer');
  const customer = account.get('customer', customerId, 'customer');
  if (subscription && subscription.customer !== customer.id)
    throw invalidRequest('The subscription belongs to another customer.', 'subscription');
  const draft = params.invoice ? account.get('invoice', params.invoice, 'invoice') : null;
  if (draft && draft.status !== 'draft')
    throw invalidRequest(
      'Invoice items can only be added to draft invoices.',
      'invoice',
      'invoice_not_editable',
    );
  const now = account.now();
  const cost = costOf(account, params, customer.currency);
  const item = makeInvoiceItem(account, {
    customer,
    ...cost,
    description: params.description ?? null,
    period: params.period ?? { start: now, end: now },
    proration: false,
    discountable: params.discountable ?? cost.amount >= 0,
    invoice: draft?.id ?? null,
    metadata: mergeMetadata(null, params.metadata),
    subscription: subscription?.id ?? null,
  });
  if (draft && draft.currency !== item.currency)
    throw invalidRequest('The invoice is in another currency.', 'currency');
  account.add('invoiceitem', item, 'invoiceitem.created');
  if (!customer.currency)
    account.change('customer', customer, { currency: item.currency }, 'customer.updated');
  if (draft) addToDraft(account, draft, item);
  return account.get('invoiceitem', item.id);
}

interface Cost {
  amount: number;
  currency: string;
  price: Stripe.Price | null;
  unitAmount: string | null;
  quantity: number;
}

function costOf(
  account: Account,
  params: Stripe.InvoiceItemCreateParams,
  known: string | null | undefined,
): Cost {
  const quantity = params.quantity ?? 1;
  if (quantity < 0) throw invalidRequest('Invalid non-negative integer', 'quantity');
  const given = params.pricing?.price ?? params.price_data;
  if (given && params.amount !== undefined)
    throw invalidRequest('You may only specify one of amount and pricing.', 'amount', 'parameters_exclusive');
  if (given) {
    const price = params.price_data
      ? inlinePrice(account, params.price_data, 'price_data')
      : account.get('price', params.pricing?.price ?? '', 'pricing[price]');
    if (price.recurring) throw invalidRequest('The price must be of `type=one_time`.', 'pricing[price]');
    return {
      amount: amountFor(price, quantity),
      currency: price.currency,
      price,
      unitAmount: null,
      quantity,
    };
  }
  const currency = currencyOf(params.currency ?? known ?? '');
  if (params.unit_amount_decimal !== undefined) {
    const unit = textOf(params.unit_amount_decimal);
    const price = { billing_scheme: 'per_unit', transform_quantity: null, unit_amount_decimal: unit };
    const exact = exactAmountFor(price as unknown as Stripe.Price, quantity);
    return { amount: rounded(exact), currency, price: null, unitAmount: unit, quantity };
  }
  if (params.amount === undefined) throw parameterMissing('amount');
  return { amount: params.amount, currency, price: null, unitAmount: String(params.amount), quantity: 1 };
}

export function retrieveInvoiceItem({ account, id }: Call<Stripe.InvoiceItemRetrieveParams>): object {
  return account.get('invoiceitem', id);
}

/** Changes an item that is pending or on a draft. */
export function updateInvoiceItem({ account, params, id }: Call<Stripe.InvoiceItemUpdateParams>): object {
  only(params, 'amount', 'description', 'discountable', 'metadata', 'period');
  const item = account.get('invoiceitem', id);
  const draft = editableInvoiceOf(account, item);
  if (params.amount !== undefined && item.proration)
    throw invalidRequest('The amount of a proration cannot be changed.', 'amount');
  const changed = account.change('invoiceitem', item, {
    amount: params.amount ?? item.amount,
    net_amount: params.amount ?? item.net_amount,
    description: updated(params.description, item.description),
    discountable: params.discountable ?? item.discountable,
    metadata: mergeMetadata(item.metadata, params.metadata),
    period: params.period ?? item.period,
  });
  if (draft) replaceOnDraft(account, draft, changed);
  return changed;
}

export function deleteInvoiceItem({ account, id }: Call<Stripe.InvoiceItemDeleteParams>): object {
  const item = account.get('invoiceitem', id);
  const draft = editableInvoiceOf(account, item);
  if (draft) removeFromDraft(account, draft, item);
  account.store.remove('invoiceitem', id);
  if (account.store.find('debit', id)) account.store.remove('debit', id);
  account.emit('invoiceitem.deleted', item);
  const deleted: Stripe.DeletedInvoiceItem = { id, object: 'invoiceitem', deleted: true };
  return deleted;
}

function editableInvoiceOf(account: Account, item: Stripe.InvoiceItem): Stripe.Invoice | null {
  if (item.invoice === null) return null;
  const invoice = account.get('invoice', item.invoice as string);
  if (invoice.status === 'draft') return invoice;
  throw invalidRequest(
    'This invoice item is on an invoice that is no longer editable.',
    'id',
    'invoice_not_editable',
  );
}

export function listInvoiceItems({ account, params }: Call<Stripe.InvoiceItemListParams>): object {
  only(params, 'created', 'customer', 'ending_before', 'invoice', 'limit', 'pending', 'starting_after');
  const rows = account.newest(
    'invoiceitem',
    (item) =>
      inRange(item.date, params.created) &&
      (params.customer === undefined || item.customer === params.customer) &&
      (params.invoice === undefined || item.invoice === params.invoice) &&
      (params.pending === undefined || (item.invoice === null) === params.pending),
  );
  return listPage(rows, params, '/v1/invoiceitems');
}
