import type { NotificationContents } from '../notification';
import { formatDay } from './formats';
import type { Message } from './message';

export function welcomeMessage(
  content: NotificationContents['welcome'],
  locale: string,
  publicUrl: string,
): Message {
  const trialEnd = content.trial_ends_at === null ? null : formatDay(content.trial_ends_at, locale);
  return {
    subject: `Welcome, ${content.tenant_name}`,
    preview: trialEnd ? `Your trial runs until ${trialEnd}.` : 'Your account is ready.',
    heading: 'Welcome',
    paragraphs: [
      `The account of ${content.tenant_name} is ready.`,
      trialEnd
        ? `Your trial runs until ${trialEnd}. No card is needed until then, and nothing is charged by itself.`
        : 'Choose a plan whenever you are ready to begin.',
    ],
    facts: trialEnd ? [['Trial ends', trialEnd]] : [],
    action: { label: 'See the plans', url: `${publicUrl}/pricing` },
  };
}
