import type Stripe from 'stripe';
import type { Account } from '../account';
import { amountFor, textOf } from '../amounts';
import { grantsOf } from '../checkout/completion';
import { totalsOf } from '../checkout/totals';
import { decimalMoneyText, moneyText } from '../money-text';
import { trialEndOf } from '../resources/trials';
import { html, type Html } from './html';

/** What a payer is told about the order, worked out from the session. */
export interface OrderView {
  session: Stripe.Checkout.Session;
  items: Stripe.LineItem[];
  trialEnd: number | null;
  /** Label of the button. */
  button: string;
  busy: string;
}

export function orderView(account: Account, session: Stripe.Checkout.Session): OrderView {
  const plan = account.store.find('checkout_plan', session.id);
  const trialEnd = plan?.subscription_data ? trialEndOf(account, plan.subscription_data, []) : null;
  const total = moneyText(session.amount_total ?? 0, session.currency ?? 'usd');
  const buttons: Record<string, [string, string]> = {
    setup: ['Save card', 'Saving…'],
    payment: [session.amount_total === 0 ? 'Complete order' : `Pay ${total}`, 'Processing…'],
    subscription: trialEnd === null ? ['Subscribe', 'Processing…'] : ['Start trial', 'Starting…'],
  };
  const [button, busy] = buttons[session.mode] ?? ['Pay', 'Processing…'];
  return { session, items: plan?.line_items ?? [], trialEnd, button, busy };
}

/** The left side of the page: lines, discounts, what is due now and what comes after. */
export function summaryOf(account: Account, view: OrderView): Html {
  const { session, items } = view;
  if (session.mode === 'setup') {
    return html`<p class="lead">Save a card</p>
      <p class="after">Nothing is charged today.</p>`;
  }
  const money = (amount: number) => moneyText(amount, session.currency ?? 'usd');
  const interval = items.find((item) => item.price?.recurring)?.price?.recurring ?? null;
  const today = session.amount_total ?? 0;
  return html`
    <p class="lead">${leadOf(view, account)}</p>
    <p class="amount">
      ${view.trialEnd === null ? money(today) : trialDays(account, view.trialEnd)}
      ${interval && view.trialEnd === null ? html`<small>${underAmount(account, view, interval)}</small>` : null}
    </p>
    ${interval ? html`<p class="after">${afterwards(account, view, interval)}</p>` : null}
    <ul class="lines">
      ${items.map((item) => lineOf(item, money, view.trialEnd !== null))}
    </ul>
    <div class="sums">
      <div class="row">
        <span>Subtotal</span><span class="money">${money(session.amount_subtotal ?? 0)}</span>
      </div>
      ${discountRows(account, session, money)}
      ${
        session.automatic_tax.enabled
          ? html`<div class="row">
              <span>Tax</span><span class="money">${money(session.total_details?.amount_tax ?? 0)}</span>
            </div>`
          : null
      }
      <div class="row total"><span>Total due today</span><span class="money">${money(today)}</span></div>
    </div>
  `;
}

function leadOf(view: OrderView, account: Account): string {
  const { session, items } = view;
  const name = items[0]?.description ?? 'your order';
  if (session.mode !== 'subscription') return `Pay ${account.merchantName}`;
  return view.trialEnd === null ? `Subscribe to ${name}` : `Try ${name}`;
}

function trialDays(account: Account, trialEnd: number): string {
  const days = Math.max(1, Math.round((trialEnd - account.now()) / 86_400));
  return days === 1 ? '1 day free' : `${days} days free`;
}

function perInterval(
  { interval, interval_count: count }: Stripe.Price.Recurring,
  two = false,
): Html | string {
  const every = count === 1 ? interval : `${count} ${interval}s`;
  return two ? html`per<br />${every}` : `per ${every}`;
}

/** "Then $29.00 per month", with a discount that stays or one that runs out. */
function afterwards(account: Account, view: OrderView, interval: Stripe.Price.Recurring): string {
  const recurring = view.items.filter((item) => item.price?.recurring);
  const money = (amount: number) => moneyText(amount, view.session.currency ?? 'usd');
  const grants = grantsOf(account, view.session);
  const full = totalsOf(recurring, [], false).total;
  const reduced = totalsOf(recurring, grants, false).total;
  const coupon = grants[0]?.coupon;
  const per = perInterval(interval) as string;
  const usage = recurring.some((item) => item.quantity === null) ? ', plus usage' : '';
  const from = view.trialEnd === null ? '' : ` from ${dateText(view.trialEnd)}`;
  if (coupon?.duration === 'forever') return `Then ${money(reduced)} ${per}${usage}${from}`;
  if (coupon?.duration === 'repeating') {
    const time = coupon.duration_in_months === 1 ? '1 month' : `${coupon.duration_in_months} months`;
    return `${money(reduced)} ${per} for ${time}${from}, then ${money(full)} ${per}${usage}`;
  }
  return `Then ${money(full)} ${per}${usage}${from}`;
}

/** "per month" when today's sum is what comes again, else "today". */
function underAmount(account: Account, view: OrderView, interval: Stripe.Price.Recurring): Html | string {
  const recurring = view.items.filter((item) => item.price?.recurring);
  const grants = grantsOf(account, view.session).filter(({ coupon }) => coupon.duration === 'forever');
  const again = totalsOf(recurring, grants, false).total;
  return again === view.session.amount_total ? perInterval(interval, true) : 'today';
}

function dateText(seconds: number): string {
  return new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' }).format(
    new Date(seconds * 1000),
  );
}

function lineOf(item: Stripe.LineItem, money: (amount: number) => string, trial: boolean): Html {
  const price = item.price as Stripe.Price;
  const metered = item.quantity === null;
  const amount = amountFor(price, item.quantity ?? 0);
  const freeNow = trial && !metered && price.recurring !== null;
  const each = price.unit_amount === null ? null : money(price.unit_amount);
  const note = metered
    ? usageNote(price)
    : price.recurring
      ? `Billed ${perInterval(price.recurring) as string}`
      : 'One-time';
  return html`<li>
    <div>
      <strong>${item.description}</strong
      ><span>${note}${item.quantity && item.quantity > 1 ? ` · Qty ${item.quantity}` : ''}</span>
    </div>
    <div class="money">
      ${metered ? 'By usage' : freeNow ? 'Free now' : money(amount)}
      ${freeNow ? html`<span>${money(amount)} after</span>` : null}
      ${item.quantity && item.quantity > 1 && each ? html`<span>${each} each</span>` : null}
    </div>
  </li>`;
}

function usageNote(price: Stripe.Price): string {
  if (price.billing_scheme === 'tiered') return 'Price depends on usage';
  const minor = price.unit_amount_decimal === null ? '0' : textOf(price.unit_amount_decimal);
  return `${decimalMoneyText(minor, price.currency)} per unit`;
}

function discountRows(
  account: Account,
  session: Stripe.Checkout.Session,
  money: (amount: number) => string,
): Html | null {
  const grant = grantsOf(account, session)[0];
  if (!grant) return session.allow_promotion_codes ? promotionForm() : null;
  const name = grant.promotionCode?.code ?? grant.coupon.name ?? grant.coupon.id;
  const { percent_off: percent, amount_off: amount, duration } = grant.coupon;
  const off = percent !== null ? `${percent}% off` : `${money(amount ?? 0)} off`;
  const time =
    duration === 'forever'
      ? ' forever'
      : duration === 'repeating'
        ? ` for ${grant.coupon.duration_in_months} months`
        : '';
  return html`<div class="row discount">
    <div>
      <span class="code"
        >${name}${
          session.allow_promotion_codes
            ? html`<button type="button" data-remove aria-label="Remove promotion code ${name}">×</button>`
            : html`&nbsp;`
        }</span
      >
      <div class="note">${off}${time}</div>
    </div>
    <span class="money">−${money(session.total_details?.amount_discount ?? 0)}</span>
  </div>`;
}

function promotionForm(): Html {
  return html`<form class="promotion" novalidate>
    <label for="code" class="hidden">Promotion code</label>
    <div class="promo">
      <input
        id="code"
        name="code"
        placeholder="Promotion code"
        autocomplete="off"
        autocapitalize="characters"
        spellcheck="false"
        aria-describedby="code-error"
      />
      <button class="plain" type="submit">Apply</button>
    </div>
    <p class="error" id="code-error" role="alert" style="margin: 10px 0 0"></p>
  </form>`;
}
