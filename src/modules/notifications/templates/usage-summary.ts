import type { NotificationContents } from '../notification';
import { formatDay, formatQuantity } from './formats';
import type { Message } from './message';

type UsageSummary = NotificationContents['usage_summary'];

export function usageSummaryMessage(content: UsageSummary, locale: string, publicUrl: string): Message {
  const { tenant_name, period_start, period_end, metrics } = content;
  const month = `${day(period_start, locale)} – ${day(period_end, locale)}`;
  return {
    subject: `Your usage, ${month}`,
    preview: `What ${tenant_name} used from ${month}.`,
    heading: 'Your usage',
    paragraphs: [
      `This is what ${tenant_name} used from ${month}.`,
      'What is counted per month has started at 0 again; what stands, such as seats, goes on as it is.',
    ],
    facts: metrics.map((metric) => [
      metric.is_gauge ? `${metric.name} (now)` : metric.name,
      amountOf(metric, locale),
    ]),
    action: { label: 'See the plans', url: `${publicUrl}/pricing` },
  };
}

function amountOf({ current_usage, limit }: UsageSummary['metrics'][number], locale: string): string {
  const used = formatQuantity(current_usage, locale);
  return limit === null ? used : `${used} of ${formatQuantity(limit, locale)}`;
}

function day(iso: string, locale: string): string {
  return iso === '' ? '?' : formatDay(iso, locale);
}
