import { divideRounded } from './decimal';
import { Money, money, multiply, subtract } from './money';
import { intervalMonths } from './period';
import { PlanPrice, priceOf } from './plan-facts';

/** A purchase as far as its monthly worth goes; null = nothing is paid for. */
export type Recurring = { readonly plan: PlanPrice; readonly quantity: number } | null;

/** What a change means for monthly recurring revenue. */
export interface RevenueEffect {
  readonly kind: 'new' | 'expansion' | 'contraction' | 'churn' | 'none';
  /** Minor units a month; negative when it is lost. */
  readonly amount: number;
  readonly currency: string;
}

/** What a purchase brings a month, in minor units, rounded once over all of the quantity. */
export function monthlyRevenue({ plan, quantity }: NonNullable<Recurring>): Money {
  const perInterval = multiply(priceOf(plan), quantity);
  const months = intervalMonths(plan.interval, plan.intervalCount);
  return money(Number(divideRounded(BigInt(perInterval.amount), BigInt(months))), perInterval.currency);
}

/**
 * The effect of a change. Null when both cost something in two currencies: those do not add.
 */
export function revenueEffect(before: Recurring, after: Recurring): RevenueEffect | null {
  const known = after ?? before;
  if (known === null) return null;
  const { currency } = priceOf(known.plan);
  const was = before ? monthlyRevenue(before) : money(0, currency);
  const is = after ? monthlyRevenue(after) : money(0, currency);
  if (was.currency !== is.currency) return null;
  const { amount } = subtract(is, was);
  return { kind: kindOf(was.amount, is.amount), amount, currency };
}

function kindOf(was: number, is: number): RevenueEffect['kind'] {
  if (was === is) return 'none';
  if (was === 0) return 'new';
  if (is === 0) return 'churn';
  return is > was ? 'expansion' : 'contraction';
}
