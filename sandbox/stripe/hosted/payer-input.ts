import type Stripe from 'stripe';
import type { Account } from '../account';
import { cardOfNumber, isCardNumber } from '../cards';
import { needsCard, type Payer } from '../checkout/completion';
import { addCard } from '../resources/payment-methods';

/** What the page says when a field is wrong, and which one it is. */
export class FieldError extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Reads the payer from the page's form and keeps the card.
 * @throws FieldError with a message for the payer.
 */
export function payerFrom(
  account: Account,
  session: Stripe.Checkout.Session,
  input: Record<string, unknown>,
): Payer {
  const text = (name: string) => (typeof input[name] === 'string' ? input[name].trim() : '');
  const known = session.customer_details?.email ?? session.customer_email;
  const email = known ?? text('email');
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email) && !known) {
    throw new FieldError('email', email === '' ? 'Please enter your email.' : 'Your email is not complete.');
  }
  if (!needsCard(session)) return { paymentMethod: null, email, name: null };
  const paymentMethod = cardFrom(account, input, email);
  return { paymentMethod, email, name: paymentMethod.billing_details.name };
}

/**
 * Reads the card fields of a page's form and keeps the card.
 * @throws FieldError with a message for the payer.
 */
export function cardFrom(
  account: Account,
  input: Record<string, unknown>,
  email: string | null,
): Stripe.PaymentMethod {
  const text = (name: string) => (typeof input[name] === 'string' ? input[name].trim() : '');
  const number = text('number').replace(/[\s-]/g, '');
  if (number === '') throw new FieldError('number', 'Please enter a card number.');
  if (!isCardNumber(number)) throw new FieldError('number', 'Your card number is invalid.');
  const { month, year } = expiryOf(account, text('expiry'));
  if (!/^\d{3,4}$/.test(text('cvc'))) throw new FieldError('cvc', "Your card's security code is incomplete.");
  const name = text('name');
  if (name === '') throw new FieldError('name', 'Please enter the name on the card.');
  if (name.length > 200) throw new FieldError('name', 'The name is too long.');
  return addCard(account, cardOfNumber(number), {
    exp_month: month,
    exp_year: year,
    billing: { email, name },
  });
}

function expiryOf(account: Account, text: string): { month: number; year: number } {
  const found = /^(\d{1,2})\s*\/?\s*(\d{2}|\d{4})$/.exec(text);
  if (!found) throw new FieldError('expiry', "Your card's expiration date is incomplete.");
  const month = Number(found[1]);
  const year = found[2]?.length === 2 ? 2000 + Number(found[2]) : Number(found[2]);
  if (month < 1 || month > 12) throw new FieldError('expiry', "Your card's expiration month is invalid.");
  const now = account.clock.now();
  if (year < now.getUTCFullYear() || (year === now.getUTCFullYear() && month < now.getUTCMonth() + 1)) {
    throw new FieldError('expiry', "Your card's expiration date is in the past.");
  }
  return { month, year };
}
