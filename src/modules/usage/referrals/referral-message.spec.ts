import { UnreadableMessage } from '../../../platform/queue-message';
import { readReferralMessage } from './referral-message';

const REFERRAL = {
  event_id: 'ref-1',
  tenant_id: '0A1B2C3D-0000-4000-8000-000000000001',
  type: 'referral.created',
  referrer: 'ann',
  occurred_at: '2026-11-21T10:00:00Z',
};

function read(message: unknown): ReturnType<typeof readReferralMessage> {
  return readReferralMessage(JSON.stringify(message));
}

describe('reading a message of the referral queue', () => {
  it('keeps what is counted and passes over the rest', () => {
    expect(read({ ...REFERRAL, campaign: 'spring' })).toEqual({
      type: 'referral.created',
      eventId: 'ref-1',
      tenantId: REFERRAL.tenant_id.toLowerCase(),
      referrer: 'ann',
      occurredAt: '2026-11-21T10:00:00Z',
    });
  });

  it('takes it out of a notification', () => {
    expect(read({ Type: 'Notification', Message: JSON.stringify(REFERRAL) })).toMatchObject({
      eventId: 'ref-1',
    });
  });

  it('tells what is a referral from what is not ours', () => {
    expect(read({ ...REFERRAL, type: 'referral.converted' })).toEqual({ type: 'other', isReferral: true });
    expect(read({ type: 'tenant.created' })).toEqual({ type: 'other', isReferral: false });
  });

  it.each<[string, Record<string, unknown>]>([
    ['event_id', { event_id: 'a b' }],
    ['event_id', { event_id: undefined }],
    ['tenant_id', { tenant_id: 'acme' }],
    ['referrer', { referrer: '' }],
    ['referrer', { referrer: 'a\u0001b' }],
    ['referrer', { referrer: 7 }],
    ['occurred_at', { occurred_at: '2026-02-30T00:00:00Z' }],
    ['occurred_at', { occurred_at: '2026-11-21 10:00' }],
    ['type', { type: ['referral.created'] }],
  ])('names a wrong %s, and never its value: %j', (field, change) => {
    const attempt = (): unknown => read({ ...REFERRAL, ...change });
    expect(attempt).toThrow(UnreadableMessage);
    expect(attempt).toThrow(field);
  });
});
