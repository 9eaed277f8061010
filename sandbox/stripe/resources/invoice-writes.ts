import type Stripe from 'stripe';
import type { Account } from '../account';
import { lineOfItem, pendingItems } from '../billing/pending-items';
import { liveDiscounts } from '../billing/invoice-discounts';
import { raiseInvoice } from '../billing/raise-invoice';
import { only, updated, type Call } from '../call';
import { finalizeAndCharge } from '../engine/dunning';
import { invalidRequest, parameterMissing } from '../errors';
import { newId } from '../random';
import { currencyOf } from './currency';
import { markUncollectible, voidInvoice } from './invoice-settlement';
import { finalizeInvoice } from './invoice-steps';
import { mergeMetadata } from './metadata';
import { ownPaymentMethod } from './payment-methods';

const HOUR = 3600;

/** A draft by hand, with the pending items asked for. */
export function createInvoice({ account, params }: Call<Stripe.InvoiceCreateParams>): object {
  only(
    params,
    'auto_advance',
    'automatically_finalizes_at',
    'collection_method',
    'currency',
    'customer',
    'days_until_due',
    'default_payment_method',
    'description',
    'footer',
    'metadata',
    'pending_invoice_items_behavior',
    'subscription',
  );
  const subscription = params.subscription
    ? account.get('subscription', params.subscription, 'subscription')
    : null;
  const customerId = params.customer ?? (subscription?.customer as string | undefined);
  if (!customerId) throw parameterMissing('customer');
  const customer = account.get('customer', customerId, 'customer');
  if (params.collection_method === 'send_invoice' && params.days_until_due === undefined)
    throw parameterMissing('days_until_due');
  const takes =
    (params.pending_invoice_items_behavior ?? (subscription ? 'include' : 'exclude')) === 'include';
  const pending = takes ? pendingItems(account, customer.id, subscription?.id ?? null, !subscription) : [];
  if (subscription && pending.length === 0) throw nothingToInvoice();
  const draft = raiseInvoice(account, {
    id: newId('in'),
    customer,
    subscription,
    currency: currencyOf(params.currency ?? pending[0]?.currency ?? customer.currency ?? 'usd'),
    lines: pending.map((item) => lineOfItem(account, item)),
    discounts: subscription ? liveDiscounts(account, subscription, account.now()) : [],
    billingReason: 'manual',
    collectionMethod: params.collection_method ?? subscription?.collection_method ?? 'charge_automatically',
    daysUntilDue: params.days_until_due ?? null,
    autoAdvance: params.auto_advance ?? false,
    finalizesAt: finalizationOf(account, params),
  });
  return account.change('invoice', draft, {
    default_payment_method: cardGiven(account, params.default_payment_method, customer.id),
    description: params.description ?? null,
    footer: params.footer ?? null,
    metadata: mergeMetadata(null, params.metadata),
  });
}

function nothingToInvoice(): Error {
  return invalidRequest(
    'Nothing to invoice for subscription',
    'subscription',
    'invoice_no_subscription_line_items',
  );
}

function finalizationOf(
  account: Account,
  params: { auto_advance?: boolean; automatically_finalizes_at?: number },
): number | null {
  if (params.automatically_finalizes_at !== undefined) return params.automatically_finalizes_at;
  return params.auto_advance ? account.now() + HOUR : null;
}

function cardGiven(account: Account, id: string | undefined, customer: string): string | null {
  return id ? ownPaymentMethod(account, id, customer, 'default_payment_method').id : null;
}

/** Drafts change freely; final invoices only in what does not touch money. */
export function updateInvoice({ account, params, id }: Call<Stripe.InvoiceUpdateParams>): object {
  only(
    params,
    'auto_advance',
    'automatically_finalizes_at',
    'days_until_due',
    'default_payment_method',
    'description',
    'due_date',
    'footer',
    'metadata',
  );
  const invoice = account.get('invoice', id);
  const draft = invoice.status === 'draft';
  if (!draft && (params.due_date !== undefined || params.days_until_due !== undefined || params.footer)) {
    throw invalidRequest(
      'Finalized invoices can not be updated in this way.',
      undefined,
      'invoice_not_editable',
    );
  }
  const days = params.days_until_due;
  return account.change(
    'invoice',
    invoice,
    {
      auto_advance: params.auto_advance ?? invoice.auto_advance,
      automatically_finalizes_at:
        draft && (params.auto_advance || params.automatically_finalizes_at !== undefined)
          ? finalizationOf(account, params)
          : invoice.automatically_finalizes_at,
      default_payment_method:
        params.default_payment_method === undefined
          ? invoice.default_payment_method
          : cardGiven(account, params.default_payment_method, invoice.customer as string),
      description: updated(params.description, invoice.description),
      due_date: params.due_date ?? (days === undefined ? invoice.due_date : account.now() + days * 86_400),
      footer: updated(params.footer, invoice.footer),
      metadata: mergeMetadata(invoice.metadata, params.metadata),
    },
    'invoice.updated',
  );
}

/** Makes a draft final now; collected by itself only when it advances by itself. */
export function finalizeInvoiceNow({
  account,
  params,
  id,
}: Call<Stripe.InvoiceFinalizeInvoiceParams>): object {
  only(params, 'auto_advance');
  const draft = account.get('invoice', id);
  if (draft.status !== 'draft')
    throw invalidRequest('This invoice is already finalized.', undefined, 'invoice_not_editable');
  const advances = params.auto_advance ?? draft.auto_advance ?? false;
  const ready = account.change('invoice', draft, { auto_advance: advances });
  return advances ? finalizeAndCharge(account, ready) : finalizeInvoice(account, ready);
}

export function voidInvoiceNow({ account, id }: Call<Stripe.InvoiceVoidInvoiceParams>): object {
  const invoice = account.get('invoice', id);
  if (invoice.status !== 'open' && invoice.status !== 'uncollectible') throw notInState('voided', invoice);
  return voidInvoice(account, invoice);
}

export function markInvoiceUncollectible({
  account,
  id,
}: Call<Stripe.InvoiceMarkUncollectibleParams>): object {
  const invoice = account.get('invoice', id);
  if (invoice.status !== 'open') throw notInState('marked uncollectible', invoice);
  return markUncollectible(account, invoice);
}

function notInState(what: string, invoice: Stripe.Invoice): Error {
  return invalidRequest(
    `This invoice is ${invoice.status} and can not be ${what}.`,
    undefined,
    'invoice_not_editable',
  );
}

/** Deletes a draft; its invoice items wait again. */
export function deleteInvoice({ account, id }: Call<Stripe.InvoiceDeleteParams>): object {
  const invoice = account.get('invoice', id);
  if (invoice.status !== 'draft' || invoice.billing_reason !== 'manual')
    throw invalidRequest('Only drafts made by hand can be deleted.', undefined, 'invoice_not_editable');
  for (const item of account.newest('invoiceitem', (each) => each.invoice === id))
    account.change('invoiceitem', item, { invoice: null });
  account.store.remove('invoice', id);
  account.store.remove('agenda', `invoice:${id}`);
  account.emit('invoice.deleted', invoice);
  const deleted: Stripe.DeletedInvoice = { id, object: 'invoice', deleted: true };
  return deleted;
}
