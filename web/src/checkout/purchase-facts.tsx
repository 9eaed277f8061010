import type { Subscription } from '../api/subscription';
import { formatMoney, intervalWords } from '../money/money';
import classes from './purchase-facts.module.css';

/** What was bought: plan, price, and when money moves next. */
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

function factsOf(subscription: Subscription): Fact[] {
  const { plan, quantity, trial, next_invoice: next, current_period_end: end } = subscription;
  const facts: Fact[] = [];
  if (plan) {
    facts.push({ name: 'Plan', value: quantity > 1 ? `${plan.name} × ${quantity}` : plan.name });
    facts.push({ name: 'Price', value: priceOf(plan) });
  }
  if (trial?.active && trial.ends_at) facts.push({ name: 'Free trial until', value: day(trial.ends_at) });
  if (subscription.status === 'FREE' || plan?.amount === 0) return facts;
  if (subscription.cancel_at_period_end && end) facts.push({ name: 'Ends on', value: day(end) });
  else if (next?.due_at)
    facts.push({
      name: 'Next payment',
      value: `${formatMoney(next.amount, next.currency)} on ${day(next.due_at)}`,
    });
  else if (end) facts.push({ name: 'Renews on', value: day(end) });
  return facts;
}

function priceOf(plan: NonNullable<Subscription['plan']>): string {
  if (plan.amount === 0) return 'Free';
  return `${formatMoney(plan.amount, plan.currency)} / ${intervalWords(plan.interval, plan.interval_count)}`;
}

/** A period's end is a moment in UTC; a reader wants their own calendar's day. */
function day(iso: string): string {
  return new Date(iso).toLocaleDateString(undefined, { dateStyle: 'long' });
}
