import type Stripe from 'stripe';
import type { Account } from '../account';
import { changeSubscription } from '../billing/change';
import { asPreview, nextDraft } from '../billing/upcoming';
import { only, orNull, type Call } from '../call';
import { grantOf } from '../discounts';
import { cancelNow } from '../engine/cancellation';
import { invalidRequest, parameterMissing } from '../errors';
import { makeInvoiceItem } from './invoice-item-object';
import { applyPhases } from './schedule-preview';
import { orderLine } from './subscription-create';
import { newDiscounts } from './subscription-discounts';
import type { ItemParams } from './item-changes';
import { billingModeOf } from './subscription-object';
import { resumeSubscription } from './subscription-pause';
import { startSubscription } from './subscription-start';
import { changeAskedFor, type UpdateParams } from './subscription-update';
import { trialEndOf } from './trials';

type Params = Stripe.InvoiceCreatePreviewParams;

/**
 * What the next invoice will be. The change asked for is carried out by the very code that carries out updates, the
 * draft is looked at, and all of it is taken back: a preview and the invoice it speaks of can not differ.
 */
export function createPreview({ account, params }: Call<Params>): object {
  only(
    params,
    'currency',
    'customer',
    'discounts',
    'invoice_items',
    'preview_mode',
    'schedule',
    'schedule_details',
    'subscription',
    'subscription_details',
  );
  if (params.preview_mode === 'recurring')
    throw invalidRequest(
      'The sandbox previews the next invoice only.',
      'preview_mode',
      'sandbox_unsupported',
    );
  const preview = account.rehearse(() => {
    const draft = draftOf(account, params);
    return draft && asPreview(draft, params.subscription_details?.proration_date ?? null);
  });
  if (preview) return preview;
  throw invalidRequest(
    'No upcoming invoices for customer',
    params.subscription ? 'subscription' : 'customer',
    'invoice_upcoming_none',
  );
}

function draftOf(account: Account, params: Params): Stripe.Invoice | null {
  const schedule = params.schedule ? account.get('subscription_schedule', params.schedule, 'schedule') : null;
  const id = params.subscription ?? (schedule?.subscription as string | null) ?? null;
  if (!id) return draftOfNew(account, params);
  const current = account.get('subscription', id, 'subscription');
  addItems(account, params, current.customer as string, current.id);
  if (params.discounts !== undefined) {
    const discounts = newDiscounts(account, current, orNull(params.discounts) ?? []);
    account.change('subscription', current, { discounts });
  }
  const asked = account.get('subscription', id);
  const phases = params.schedule_details?.phases;
  if (phases) return applyPhases(account, asked, phases, params.schedule_details?.proration_behavior);
  const details = params.subscription_details;
  if (!details) return nextDraft(account, asked);
  return draftOfChange(account, asked, details);
}

function draftOfChange(
  account: Account,
  current: Stripe.Subscription,
  details: NonNullable<Params['subscription_details']>,
): Stripe.Invoice | null {
  if (details.cancel_now) return draftOfCancellation(account, current, details);
  if (details.resume_at) return draftOfResumption(account, current, details);
  only(
    details,
    'billing_cycle_anchor',
    'billing_mode',
    'cancel_at',
    'cancel_at_period_end',
    'items',
    'metadata',
    'proration_behavior',
    'proration_date',
    'trial_end',
  );
  const { billing_mode: _mode, items, ...rest } = details;
  const params = { ...rest, ...(items ? { items: items as ItemParams[] } : {}) } as UpdateParams;
  const change = changeAskedFor(account, current, params);
  const { changes, draft } = changeSubscription(account, current, change);
  if (draft) return draft;
  return nextDraft(account, account.change('subscription', current, changes));
}

/** What canceling now would leave to be billed or given back. */
function draftOfCancellation(
  account: Account,
  current: Stripe.Subscription,
  details: NonNullable<Params['subscription_details']>,
): Stripe.Invoice | null {
  only(details, 'cancel_now', 'proration_behavior');
  const prorate = details.proration_behavior !== 'none';
  const ended = cancelNow(account, current, { prorate, invoiceNow: true }, {});
  return newInvoice(account, current, ended);
}

/** What resuming now would bill. */
function draftOfResumption(
  account: Account,
  current: Stripe.Subscription,
  details: NonNullable<Params['subscription_details']>,
): Stripe.Invoice | null {
  only(details, 'billing_cycle_anchor', 'proration_behavior', 'proration_date', 'resume_at');
  const { resume_at: _at, billing_cycle_anchor: anchor, ...params } = details;
  const type = anchor?.type === 'unchanged' ? 'unchanged' : 'now';
  resumeSubscription({ account, params: { ...params, billing_cycle_anchor: { type } }, id: current.id });
  const resumed = account.get('subscription', current.id);
  return newInvoice(account, current, resumed) ?? nextDraft(account, resumed);
}

/** The invoice a step has made. */
function newInvoice(
  account: Account,
  before: Stripe.Subscription,
  after: Stripe.Subscription,
): Stripe.Invoice | null {
  const id = after.latest_invoice as string | null;
  return id && id !== before.latest_invoice ? account.get('invoice', id) : null;
}

/** The first invoice of a subscription that does not exist yet. */
function draftOfNew(account: Account, params: Params): Stripe.Invoice | null {
  if (!params.customer) throw parameterMissing('customer');
  const customer = account.get('customer', params.customer, 'customer');
  const details = params.subscription_details;
  const lines = (details?.items ?? []).map((item, index) => {
    only(item, 'metadata', 'price', 'price_data', 'quantity');
    return orderLine(
      account,
      { ...item, metadata: item.metadata ?? {} },
      `subscription_details[items][${index}]`,
    );
  });
  if (lines.length === 0) return null;
  addItems(account, params, customer.id, null);
  const currency = lines[0]?.price.currency ?? 'usd';
  const purchase = { customer: customer.id, currency, subtotal: Number.MAX_SAFE_INTEGER };
  const grants = (orNull(params.discounts) ?? []).map((given, index) =>
    grantOf(account, given, purchase, `discounts[${index}]`),
  );
  const trialEnd = trialEndOf(account, { trial_end: details?.trial_end }, []);
  const order = {
    customer: customer.id,
    lines,
    status: trialEnd === null ? ('active' as const) : ('trialing' as const),
    trialEnd,
    billingMode: billingModeOf(details?.billing_mode),
    defaultPaymentMethod: null,
    metadata: {},
    description: null,
    automaticTax: false,
    collectionMethod: 'charge_automatically' as const,
    daysUntilDue: null,
    cancelAtPeriodEnd: false,
    trialSettings: null,
    saveDefaultPaymentMethod: 'off' as const,
  };
  return startSubscription(account, order, grants).draft;
}

/** Invoice items that are only imagined for the preview. */
function addItems(account: Account, params: Params, customer: string, subscription: string | null): void {
  for (const [index, given] of (params.invoice_items ?? []).entries()) {
    only(given, 'amount', 'currency', 'description', 'discountable', 'metadata', 'period');
    if (given.amount === undefined || !given.currency)
      throw parameterMissing(`invoice_items[${index}][amount]`);
    const now = account.now();
    const item = makeInvoiceItem(account, {
      customer: account.get('customer', customer, 'customer'),
      amount: given.amount,
      currency: given.currency,
      description: given.description ?? null,
      price: null,
      unitAmount: String(given.amount),
      quantity: 1,
      period: given.period ?? { start: now, end: now },
      proration: false,
      discountable: given.discountable ?? given.amount >= 0,
      invoice: null,
      metadata: {},
      subscription,
    });
    account.add('invoiceitem', item);
  }
}
