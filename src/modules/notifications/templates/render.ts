import type { Notification, NotificationContents, NotificationType } from '../notification';
import { LaidOut, layOut } from './layout';
import type { Message } from './message';
import {
  invoiceUpcomingMessage,
  paymentFailedMessage,
  paymentMethodRemovedMessage,
  paymentOverdueMessage,
  paymentRecoveredMessage,
} from './payment-news';
import { subscriptionNewsMessage } from './subscription-news';
import { receiptMessage } from './receipt';
import { usageAlertMessage } from './usage-alert';
import { usageSummaryMessage } from './usage-summary';
import { welcomeMessage } from './welcome';

type Template<Type extends NotificationType> = (
  content: NotificationContents[Type],
  locale: string,
  publicUrl: string,
) => Message;

/** Every type of message and how it is written. */
const TEMPLATES: { [Type in NotificationType]: Template<Type> } = {
  welcome: welcomeMessage,
  receipt: receiptMessage,
  usage_alert: usageAlertMessage,
  usage_summary: usageSummaryMessage,
  upgraded: subscriptionNewsMessage('upgraded'),
  downgrade_scheduled: subscriptionNewsMessage('downgrade_scheduled'),
  downgrade_canceled: subscriptionNewsMessage('downgrade_canceled'),
  canceled: subscriptionNewsMessage('canceled'),
  reactivated: subscriptionNewsMessage('reactivated'),
  paused: subscriptionNewsMessage('paused'),
  resumed: subscriptionNewsMessage('resumed'),
  payment_failed: paymentFailedMessage,
  payment_overdue: paymentOverdueMessage,
  payment_recovered: paymentRecoveredMessage,
  invoice_upcoming: invoiceUpcomingMessage,
  payment_method_removed: paymentMethodRemovedMessage,
};

/** Writes a message as it is sent: numbers and days in the recipient's customs. */
export function renderMessage<Type extends NotificationType>(
  notification: Pick<Notification<Type>, 'type' | 'content' | 'locale'>,
  publicUrl: string,
): LaidOut {
  const template = TEMPLATES[notification.type];
  return layOut(template(notification.content, notification.locale, publicUrl), publicUrl);
}
