import { paymentStanding, tenantStanding } from './standing';
import { BILLING_STATUSES, BillingStatus, PaymentStatus, Standing } from './subscription-status';

const NOW = new Date('2026-11-21T12:00:00Z');

describe('how a tenant stands', () => {
  it.each<[BillingStatus, Standing]>([
    ['TRIALING', 'trial'],
    ['ACTIVE', 'active'],
    ['PAST_DUE', 'past_due'],
  ])('with a subscription that is %s: %s', (status, expected) => {
    expect(tenantStanding('subscription', { status, pauseMode: null })).toBe(expected);
  });

  it('while collection is paused is active, when all is paused it is not', () => {
    expect(tenantStanding('subscription', { status: 'PAUSED', pauseMode: 'access_kept' })).toBe('active');
    expect(tenantStanding('none', { status: 'PAUSED', pauseMode: 'access_stopped' })).toBe('canceled');
  });

  it('in our own trial is trial, whatever was bought and not paid', () => {
    expect(tenantStanding('trial', null)).toBe('trial');
    for (const status of BILLING_STATUSES)
      expect(tenantStanding('trial', { status, pauseMode: null })).toBe('trial');
  });

  it('on the free plan is active, unless something bought is owed', () => {
    expect(tenantStanding('free', null)).toBe('active');
    const standings = Object.fromEntries(
      BILLING_STATUSES.map((status) => [status, tenantStanding('free', { status, pauseMode: null })]),
    );
    expect(standings).toMatchObject({
      FREE: 'active',
      NONE: 'active',
      CANCELED: 'active',
      INCOMPLETE_EXPIRED: 'active',
      UNPAID: 'past_due',
      INCOMPLETE: 'past_due',
    });
  });

  it('with nothing is canceled, and past due while something bought is owed', () => {
    expect(tenantStanding('none', null)).toBe('canceled');
    expect(tenantStanding('none', { status: 'CANCELED', pauseMode: null })).toBe('canceled');
    expect(tenantStanding('none', { status: 'UNPAID', pauseMode: null })).toBe('past_due');
  });
});

describe('a payment', () => {
  const until = (ms: number): Date => new Date(NOW.getTime() + ms);

  it.each<[PaymentStatus, Date | null, string]>([
    ['NONE', null, 'good'],
    ['PENDING', null, 'good'],
    ['PAID', until(-1), 'good'],
    ['PAST_DUE', null, 'in_grace'],
    ['PAST_DUE', until(1), 'in_grace'],
    ['PAST_DUE', until(0), 'overdue'],
    ['PAST_DUE', until(-1), 'overdue'],
    ['OVERDUE', until(1), 'overdue'],
    ['FAILED', null, 'overdue'],
  ])('that is %s until %s is %s', (paymentStatus, graceUntil, expected) => {
    expect(paymentStanding({ paymentStatus, graceUntil }, NOW)).toBe(expected);
  });
});
