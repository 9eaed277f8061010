import type Stripe from 'stripe';
import type { Account } from '../account';
import { note, noteOf } from './notes';
import { settingsOf } from './settings';

/**
 * Refusals no retry of the same card can overcome. Retries stay planned but are carried out only when there is
 * another card (https://docs.stripe.com/billing/revenue-recovery/smart-retries).
 */
const HARD = new Set([
  'highest_risk_level',
  'incorrect_number',
  'lost_card',
  'pickup_card',
  'revocation_of_all_authorizations',
  'revocation_of_authorization',
  'stolen_card',
  'transaction_not_allowed',
]);

/** Whether this very card was refused for good when this invoice was last charged. */
export function wasRefusedForGood(
  account: Account,
  invoice: Stripe.Invoice,
  card: Stripe.PaymentMethod,
): boolean {
  const intents = account
    .newest('invoice_payment', (payment) => payment.invoice === invoice.id)
    .map(({ payment }) => payment.payment_intent as string);
  const [last] = account.newest('charge', (charge) => intents.includes(charge.payment_intent as string));
  return last?.payment_method === card.id && HARD.has(last.outcome?.reason ?? '');
}

/** Lets a retry pass without asking the bank. @returns The invoice with its next attempt, if there is one. */
export function skipRetry(account: Account, invoice: Stripe.Invoice): Stripe.Invoice {
  note(account, invoice.id, 'skipped_retries', skippedRetries(account, invoice.id) + 1);
  const next = nextAttempt(account, invoice.id, invoice.attempt_count);
  return account.change('invoice', invoice, { next_payment_attempt: next }, 'invoice.updated');
}

function skippedRetries(account: Account, invoice: string): number {
  return noteOf(account, invoice, 'skipped_retries')?.at ?? 0;
}

/** When the next retry is due after so many attempts (Unix seconds), or null when that was the last. */
export function nextAttempt(account: Account, invoice: string, attempts: number): number | null {
  const days = settingsOf(account).retry_days[attempts + skippedRetries(account, invoice) - 1];
  return days === undefined ? null : account.now() + days * 86_400;
}
