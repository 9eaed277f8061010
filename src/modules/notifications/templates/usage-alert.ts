import type { NotificationContents, Quantity } from '../notification';
import { formatDay, formatQuantity } from './formats';
import type { Message } from './message';

type UsageAlert = NotificationContents['usage_alert'];

export function usageAlertMessage(content: UsageAlert, locale: string, publicUrl: string): Message {
  const { tenant_name, metric_name, percent, severity, current_usage, limit, resets_at } = content;
  const [used, most] = [formatQuantity(current_usage, locale), formatQuantity(limit, locale)];
  const isFull = severity === 'limit';
  const facts: Message['facts'] = [
    ['Used', used],
    ['Limit', most],
  ];
  if (resets_at !== null) facts.push(['Starts at 0 again', formatDay(resets_at, locale)]);
  return {
    subject: subjectOf(content),
    preview: `${used} of ${most} used.`,
    heading: isFull ? `${metric_name}: limit reached` : `${metric_name}: ${percent} % used`,
    paragraphs: [
      `${tenant_name} has used ${used} of ${most} (${metric_name}).`,
      consequence(content, locale),
    ],
    facts,
    action: { label: severity === 'info' ? 'See the plans' : 'Upgrade', url: `${publicUrl}/pricing` },
  };
}

function subjectOf({ metric_name, percent, severity }: UsageAlert): string {
  if (severity === 'limit') return `Limit reached: ${metric_name}`;
  if (severity === 'urgent') return `Urgent: ${percent} % of ${metric_name} used`;
  return `${percent} % of ${metric_name} used`;
}

/** What happens next, and what can be done. */
function consequence(content: UsageAlert, locale: string): string {
  const { severity, current_usage, limit, grace_limit, resets_at } = content;
  const relief =
    resets_at === null
      ? 'Upgrade, or free some of it'
      : `Upgrade, or wait until ${formatDay(resets_at, locale)}`;
  if (severity !== 'limit')
    return `At ${formatQuantity(limit, locale)} further usage is refused. A larger plan makes room.`;
  if (isLess(current_usage, grace_limit))
    return `Up to ${formatQuantity(grace_limit, locale)} still passes, and then usage is refused. ${relief}.`;
  return `Further usage is refused from now on. ${relief}.`;
}

/** For a choice of words, so rounding of very large numbers does no harm. */
function isLess(a: Quantity, b: Quantity): boolean {
  return Number(a) < Number(b);
}
