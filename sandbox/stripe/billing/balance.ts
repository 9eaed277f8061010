import type Stripe from 'stripe';
import type { Account } from '../account';

/** What an invoice asks for after the customer's balance, and the balance it leaves. Minor units. */
export interface BalanceUse {
  due: number;
  /** Negative: the customer has credit. */
  ending: number;
}

/**
 * How a total meets a balance (https://docs.stripe.com/billing/customer/balance): credit pays first, debt is asked
 * for along with the total, and a total below zero becomes credit.
 */
export function useBalance(total: number, balance: number): BalanceUse {
  if (total <= 0) return { due: 0, ending: balance + total };
  const due = Math.max(0, total + balance);
  return { due, ending: total + balance - due };
}

/** Sets a customer's balance, with the event. */
export function setBalance(account: Account, customer: Stripe.Customer, balance: number): Stripe.Customer {
  return account.change('customer', customer, { balance }, 'customer.updated');
}
