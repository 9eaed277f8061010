import type { NotificationContents } from '../notification';
import { formatDay, formatPrice } from './formats';
import type { Message } from './message';

export function receiptMessage(
  content: NotificationContents['receipt'],
  locale: string,
  publicUrl: string,
): Message {
  const plan = content.plan_name ?? 'your plan';
  return {
    subject: `Your subscription to ${plan} has begun`,
    preview: `${content.tenant_name} is now on ${plan}.`,
    heading: 'Thank you',
    paragraphs: [`${content.tenant_name} is now on ${plan}. These are the details for your records.`],
    facts: factsOf(content, locale),
    action: { label: 'See your plan', url: `${publicUrl}/pricing` },
  };
}

/** Only what is known; a line without a value would raise questions. */
function factsOf(content: NotificationContents['receipt'], locale: string): Message['facts'] {
  const { plan_name, quantity, amount, currency, interval, interval_count } = content;
  const facts: Message['facts'] = [];
  if (plan_name !== null) facts.push(['Plan', quantity > 1 ? `${plan_name} × ${quantity}` : plan_name]);
  if (amount !== null && currency !== null)
    facts.push(['Price', formatPrice(amount, currency, interval, interval_count, locale)]);
  if (content.trial_ends_at !== null) facts.push(['Trial ends', formatDay(content.trial_ends_at, locale)]);
  if (content.period_start !== null && content.period_end !== null)
    facts.push([
      'Current period',
      `${formatDay(content.period_start, locale)} – ${formatDay(content.period_end, locale)}`,
    ]);
  if (content.renews_at !== null) facts.push(['Next renewal', formatDay(content.renews_at, locale)]);
  return facts;
}
