import fc from 'fast-check';
import {
  TENANT_ACTIONS,
  TENANT_STATUSES,
  TenantAction,
  TenantStatus,
  TenantStatusFacts,
  effectiveTenantStatus,
  statusBeneath,
  transition,
} from './tenant-state';

const now = new Date('2026-11-21T10:00:00Z');
const before = new Date(now.getTime() - 1);
const later = new Date(now.getTime() + 1);
const fresh: TenantStatusFacts = {
  confirmedAt: null,
  suspendedAt: null,
  suspendedUntil: null,
  lockedAt: null,
  lockedUntil: null,
  deletionScheduledAt: null,
};
const confirmed = { ...fresh, confirmedAt: before };

describe('effectiveTenantStatus', () => {
  it.each<[string, TenantStatusFacts, TenantStatus]>([
    ['a new tenant', fresh, 'PENDING'],
    ['a confirmed one', confirmed, 'ACTIVE'],
    ['a suspended one', { ...confirmed, suspendedAt: before }, 'SUSPENDED'],
    ['a new one that is suspended', { ...fresh, suspendedAt: before }, 'SUSPENDED'],
    ['suspended for a while', { ...confirmed, suspendedAt: before, suspendedUntil: later }, 'SUSPENDED'],
    ['at the end of that while', { ...confirmed, suspendedAt: before, suspendedUntil: now }, 'ACTIVE'],
    ['suspended and locked', { ...confirmed, suspendedAt: before, lockedAt: before }, 'LOCKED'],
    [
      'the lock ran out',
      { ...confirmed, suspendedAt: before, lockedAt: before, lockedUntil: now },
      'SUSPENDED',
    ],
    [
      'all at once',
      { ...confirmed, suspendedAt: before, lockedAt: before, deletionScheduledAt: before },
      'DELETION_SCHEDULED',
    ],
  ])('of %s', (_who, facts, status) => {
    expect(effectiveTenantStatus(facts, now)).toBe(status);
  });
});

describe('statusBeneath', () => {
  it.each<[string, TenantStatusFacts, TenantStatus]>([
    ['a lock over a suspension', { ...confirmed, suspendedAt: before, lockedAt: before }, 'SUSPENDED'],
    ['a lock alone', { ...confirmed, lockedAt: before }, 'ACTIVE'],
    ['a lock of a new tenant', { ...fresh, lockedAt: before }, 'PENDING'],
    ['a deletion over a lock', { ...confirmed, lockedAt: before, deletionScheduledAt: before }, 'LOCKED'],
    ['nothing', confirmed, 'ACTIVE'],
    ['nothing, not even a confirmation', fresh, 'PENDING'],
  ])('under %s', (_what, facts, status) => {
    expect(statusBeneath(facts, now)).toBe(status);
  });
});

describe('transition', () => {
  const legal: Record<TenantStatus, Partial<Record<TenantAction, TenantStatus>>> = {
    PENDING: {
      activate: 'ACTIVE',
      suspend: 'SUSPENDED',
      lock: 'LOCKED',
      schedule_deletion: 'DELETION_SCHEDULED',
    },
    ACTIVE: { suspend: 'SUSPENDED', lock: 'LOCKED', schedule_deletion: 'DELETION_SCHEDULED' },
    SUSPENDED: { unsuspend: 'ACTIVE', lock: 'LOCKED', schedule_deletion: 'DELETION_SCHEDULED' },
    LOCKED: { unlock: 'ACTIVE', schedule_deletion: 'DELETION_SCHEDULED' },
    DELETION_SCHEDULED: { cancel_deletion: 'ACTIVE' },
  };
  const pairs = TENANT_STATUSES.flatMap((status) =>
    TENANT_ACTIONS.map((action) => [status, action] as const),
  );

  it.each(pairs)('from %s by %s', (status, action) => {
    const expected = legal[status][action];
    expect(transition(status, action)).toEqual(
      expected === undefined ? { error: 'state_conflict' } : { status: expected },
    );
  });

  it('lifts a layer down to what is beneath it', () => {
    expect(transition('LOCKED', 'unlock', 'SUSPENDED')).toEqual({ status: 'SUSPENDED' });
    expect(transition('DELETION_SCHEDULED', 'cancel_deletion', 'LOCKED')).toEqual({ status: 'LOCKED' });
    expect(transition('SUSPENDED', 'unsuspend', 'PENDING')).toEqual({ status: 'PENDING' });
  });

  it('agrees with the timestamps, for every tenant and every legal action', () => {
    const written: Record<TenantAction, Partial<TenantStatusFacts>> = {
      activate: { confirmedAt: now },
      suspend: { suspendedAt: now, suspendedUntil: null },
      unsuspend: { suspendedAt: null, suspendedUntil: null },
      lock: { lockedAt: now, lockedUntil: null },
      unlock: { lockedAt: null, lockedUntil: null },
      schedule_deletion: { deletionScheduledAt: now },
      cancel_deletion: { deletionScheduledAt: null },
    };
    const moment = fc.constantFrom(null, before, later);
    const past = fc.constantFrom(null, before);
    const tenants = fc.record({
      confirmedAt: past,
      suspendedAt: past,
      suspendedUntil: moment,
      lockedAt: past,
      lockedUntil: moment,
      deletionScheduledAt: past,
    });
    fc.assert(
      fc.property(tenants, fc.constantFrom(...TENANT_ACTIONS), (facts, action) => {
        const result = transition(effectiveTenantStatus(facts, now), action, statusBeneath(facts, now));
        fc.pre(result.status !== undefined);
        expect(effectiveTenantStatus({ ...facts, ...written[action] }, now)).toBe(result.status);
      }),
      { numRuns: 1000 },
    );
  });
});
