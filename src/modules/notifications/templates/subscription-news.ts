import type { NotificationContents, SubscriptionNews } from '../notification';
import { formatDay } from './formats';
import type { Message } from './message';

type Words = Pick<Message, 'subject' | 'heading' | 'paragraphs'>;

/** What each change of a subscription is called in a mail. `plan` is a name, days are in the reader's customs. */
const WORDS: Record<
  SubscriptionNews,
  (about: { plan: string; end: string | null; change: string | null }) => Words
> = {
  upgraded: ({ plan }) => ({
    subject: `You are now on ${plan}`,
    heading: 'Your plan has changed',
    paragraphs: [`${plan} is in force now, with all of its limits and features.`],
  }),
  downgrade_scheduled: ({ plan, change }) => ({
    subject: 'Your change of plan is scheduled',
    heading: 'Your plan will change',
    paragraphs: [
      change === null ? 'Your plan will change soon.' : `Your plan will change on ${change}.`,
      `Until then you stay on ${plan}. You can take the change back until that day.`,
    ],
  }),
  downgrade_canceled: ({ plan }) => ({
    subject: `You stay on ${plan}`,
    heading: 'Your change of plan was taken back',
    paragraphs: [`Nothing changes: you stay on ${plan}.`],
  }),
  canceled: ({ plan, end }) => ({
    subject: `Your subscription to ${plan} ends`,
    heading: 'Your subscription ends',
    paragraphs: [
      end === null ? `Your subscription to ${plan} has ended.` : `You can use ${plan} until ${end}.`,
      'You can come back at any time.',
    ],
  }),
  reactivated: ({ plan }) => ({
    subject: `Your subscription to ${plan} goes on`,
    heading: 'Good to have you back',
    paragraphs: [`Your subscription to ${plan} goes on as before.`],
  }),
  paused: ({ plan }) => ({
    subject: `Your subscription to ${plan} is paused`,
    heading: 'Your subscription is paused',
    paragraphs: ['Nothing is charged while it is paused. You can resume it at any time.'],
  }),
  resumed: ({ plan }) => ({
    subject: `Your subscription to ${plan} goes on`,
    heading: 'Your subscription goes on',
    paragraphs: [`The pause is over: ${plan} is in force again.`],
  }),
};

/** Writes the message about one kind of change. */
export function subscriptionNewsMessage(
  news: SubscriptionNews,
): (content: NotificationContents[SubscriptionNews], locale: string, publicUrl: string) => Message {
  return (content, locale, publicUrl) => {
    const day = (iso: string | null): string | null => (iso === null ? null : formatDay(iso, locale));
    const plan = content.plan_name ?? 'your plan';
    const words = WORDS[news]({ plan, end: day(content.ends_at), change: day(content.changes_at) });
    const facts: Message['facts'] = [['Account', content.tenant_name]];
    if (content.plan_name !== null)
      facts.push(['Plan', content.quantity > 1 ? `${plan} × ${content.quantity}` : plan]);
    return {
      ...words,
      preview: words.paragraphs[0]!,
      facts,
      action: { label: 'See your plan', url: `${publicUrl}/pricing` },
    };
  };
}
