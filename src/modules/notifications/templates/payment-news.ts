import type { NotificationContents } from '../notification';
import { formatDay, formatPrice } from './formats';
import type { Message } from './message';

type Owed = NotificationContents['payment_failed'];

export function paymentFailedMessage(content: Owed, locale: string, publicUrl: string): Message {
  const again = content.next_attempt_at;
  return {
    subject: 'Your payment did not go through',
    preview: `A payment of ${content.tenant_name} failed.`,
    heading: 'Your payment failed',
    paragraphs: [
      'We could not charge your payment method. Nothing has changed yet.',
      again === null
        ? 'Please pay the invoice, or change your payment method.'
        : `We will try again on ${formatDay(again, locale)}. You can also pay now, or change your payment method.`,
    ],
    facts: factsOf(content, locale),
    action: { label: 'Pay now', url: content.pay_url ?? `${publicUrl}/pricing` },
  };
}

export function paymentOverdueMessage(content: Owed, locale: string, publicUrl: string): Message {
  return {
    subject: 'Your payment is overdue',
    preview: `${content.tenant_name} has an overdue invoice.`,
    heading: 'Your payment is overdue',
    paragraphs: ['Parts of your account are closed until the invoice is paid. Paying opens them at once.'],
    facts: factsOf(content, locale),
    action: { label: 'Pay now', url: content.pay_url ?? `${publicUrl}/pricing` },
  };
}

export function paymentRecoveredMessage(
  { tenant_name }: NotificationContents['payment_recovered'],
  _locale: string,
  publicUrl: string,
): Message {
  return {
    subject: 'Your payment has arrived',
    preview: `${tenant_name} owes nothing any more.`,
    heading: 'Thank you',
    paragraphs: [`The open payment of ${tenant_name} has arrived. Everything is open again.`],
    facts: [],
    action: { label: 'See your plan', url: `${publicUrl}/pricing` },
  };
}

export function invoiceUpcomingMessage(
  content: NotificationContents['invoice_upcoming'],
  locale: string,
  publicUrl: string,
): Message {
  const day = content.due_at === null ? 'soon' : `on ${formatDay(content.due_at, locale)}`;
  return {
    subject: `Your next invoice comes ${day}`,
    preview: `${content.tenant_name} will be charged ${day}.`,
    heading: 'Your next invoice',
    paragraphs: [`${content.tenant_name} will be charged ${day}. There is nothing to do.`],
    facts: amountOf(content, locale),
    action: { label: 'See your plan', url: `${publicUrl}/pricing` },
  };
}

export function paymentMethodRemovedMessage(
  content: NotificationContents['payment_method_removed'],
  _locale: string,
  publicUrl: string,
): Message {
  const card = content.last4 === null ? 'A payment method' : `The card ending in ${content.last4}`;
  return {
    subject: 'A payment method was removed',
    preview: `${card} was removed from ${content.tenant_name}.`,
    heading: 'A payment method was removed',
    paragraphs: [
      `${card} was removed from ${content.tenant_name}.`,
      content.methods_left === 0
        ? 'There is none left: please add one before the next invoice.'
        : 'If that was not you, please tell us.',
    ],
    facts: [],
    action: { label: 'See your plan', url: `${publicUrl}/pricing` },
  };
}

function factsOf(content: Owed, locale: string): Message['facts'] {
  const facts = amountOf(content, locale);
  if (content.grace_until !== null) facts.push(['Please pay until', formatDay(content.grace_until, locale)]);
  return facts;
}

function amountOf(
  { amount, currency }: { amount: number | null; currency: string | null },
  locale: string,
): Message['facts'] {
  if (amount === null || currency === null) return [];
  return [['Amount', formatPrice(amount, currency, null, null, locale)]];
}
