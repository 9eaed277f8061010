import type { TenantId } from '../../../contracts/ids';
import { isUuid } from '../../../contracts/ids';
import { readQueueMessage, UnreadableMessage } from '../../../platform/queue-message';
import { EVENT_ID, isMoment, isSubject } from '../recording/usage-event-input';

/** Somebody was referred. */
export interface ReferralCreated {
  readonly type: 'referral.created';
  readonly eventId: string;
  readonly tenantId: TenantId;
  readonly referrer: string;
  /** ISO 8601. */
  readonly occurredAt: string;
}

/** Another thing that happened to a referral, or something else that travels on the same queue: not counted. */
export interface OtherMessage {
  readonly type: 'other';
  readonly isReferral: boolean;
}

/**
 * Reads `{ event_id, tenant_id, type, referrer, occurred_at }`, bare or as the text of an SNS notification. Other
 * systems say more of a referral than we count: what is not named here is passed over.
 * @throws UnreadableMessage which names fields, never values
 */
export function readReferralMessage(body: string): ReferralCreated | OtherMessage {
  const { type, event_id, tenant_id, referrer, occurred_at } = readQueueMessage(body);
  if (typeof type !== 'string') throw new UnreadableMessage('it has no type');
  if (type !== 'referral.created') return { type: 'other', isReferral: type.startsWith('referral.') };
  const wrong: string[] = [];
  if (typeof event_id !== 'string' || !EVENT_ID.test(event_id)) wrong.push('event_id');
  if (typeof tenant_id !== 'string' || !isUuid(tenant_id)) wrong.push('tenant_id');
  if (!isSubject(referrer)) wrong.push('referrer');
  if (!isMoment(occurred_at)) wrong.push('occurred_at');
  if (wrong.length > 0) throw new UnreadableMessage(`wrong: ${wrong.join(', ')}`);
  return {
    type,
    eventId: event_id as string,
    tenantId: (tenant_id as string).toLowerCase() as TenantId,
    referrer: referrer as string,
    occurredAt: occurred_at as string,
  };
}
