import type { Subscription } from '../api/subscription';
import { formatMoney, intervalWords } from '../money/money';
import classes from './purchase-facts.module.css';

/** What was bought: plan, list price, and the day money moves next. */
export function PurchaseFacts({ subscription }: { subscription: Subscription }) {
  return (
    <dl className={classes.facts}>
      {factsOf(subscription).map(({ name, value }) => (
        <div key={name} className={classes.fact}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface Fact {
  name: string;
  value: string;
}

function factsOf({ status, plan, quantity, ...subscription }: Subscription): Fact[] {
  const facts: Fact[] = [];
  if (plan) {
    facts.push({ name: 'Plan', value: quantity > 1 ? `${plan.name} × ${quantity}` : plan.name });
    facts.push({ name: 'Price', value: priceOf(plan) });
  }
  const end = subscription.current_period_end;
  const isFree = status === 'FREE' || plan?.amount === 0;
  // A day without an amount: the service's estimate knows neither discounts nor tax, and would promise too much.
  if (end !== null && !isFree)
    facts.push({ name: nextDayName(status, subscription.cancel_at_period_end), value: day(end) });
  return facts;
}

function nextDayName(status: string, isEnding: boolean): string {
  if (isEnding) return 'Ends on';
  return status === 'TRIALING' ? 'First payment on' : 'Renews on';
}

function priceOf(plan: NonNullable<Subscription['plan']>): string {
  if (plan.amount === 0) return 'Free';
  return `${formatMoney(plan.amount, plan.currency)} / ${intervalWords(plan.interval, plan.interval_count)}`;
}

/** A period's end is a moment in UTC; a reader wants their own calendar's day. */
function day(iso: string): string {
  return new Date(iso).toLocaleDateString(undefined, { dateStyle: 'long' });
}
