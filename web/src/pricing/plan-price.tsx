import { Text } from '@mantine/core';
import type { Plan } from '../api/plans';
import { formatMoney, intervalWords } from '../money/money';
import classes from './plan-price.module.css';

interface Props {
  plan: Plan;
  /** The same offer paid yearly, when a monthly price is shown. */
  yearlySibling: Plan | null;
  offersTrial: boolean;
}

/** What is charged, in large; what it means a month and what it saves, beneath. */
export function PlanPrice({ plan, yearlySibling, offersTrial }: Props) {
  const notes = notesOf(plan, yearlySibling, offersTrial);
  return (
    <div className={classes.price}>
      <p className={classes.figure}>
        <span className={classes.amount}>{formatMoney(plan.amount, plan.currency)}</span>
        {plan.amount !== 0 && (
          <span className={classes.interval}> / {intervalWords(plan.interval, plan.interval_count)}</span>
        )}
      </p>
      {notes.map((note) => (
        <Text key={note} size="sm" c="dimmed">
          {note}
        </Text>
      ))}
      {plan.annual_savings && (
        <Text size="sm" className={classes.saving}>
          You save {formatMoney(plan.annual_savings.amount, plan.currency)} (
          {percent(plan.annual_savings.percent)})
        </Text>
      )}
    </div>
  );
}

function notesOf(plan: Plan, yearlySibling: Plan | null, offersTrial: boolean): string[] {
  const notes: string[] = [];
  if (plan.amount === 0) notes.push('Free for as long as you like');
  else if (plan.interval === 'year') notes.push(`${perMonth(plan)} a month`);
  else if (yearlySibling && yearlySibling.annual_savings)
    notes.push(`or ${perMonth(yearlySibling)} a month, paid yearly`);
  if (plan.trial_days && offersTrial) notes.push(`${plan.trial_days} days free for newcomers`);
  if (plan.manual_invoicing) notes.push('Paid by invoice');
  return notes;
}

/** The service rounds the monthly equivalent to a minor unit; say so when twelve of it are not the price. */
function perMonth({
  amount,
  currency,
  monthly_equivalent_amount: monthly,
  interval,
  interval_count: count,
}: Plan): string {
  const months = interval === 'year' ? 12 * count : count;
  return `${monthly * months === amount ? '' : 'about '}${formatMoney(monthly, currency)}`;
}

function percent(value: number): string {
  return new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 }).format(value / 100);
}
