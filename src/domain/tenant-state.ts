/**
 * The status of a tenant itself (not of its money): four layers, of which the topmost shows.
 * Each layer has its own timestamps, so that locking does not forget a suspension (decisions 23).
 */
export type TenantStatus = 'PENDING' | 'ACTIVE' | 'SUSPENDED' | 'LOCKED' | 'DELETION_SCHEDULED';

export const TENANT_STATUSES = [
  'PENDING',
  'ACTIVE',
  'SUSPENDED',
  'LOCKED',
  'DELETION_SCHEDULED',
] as const satisfies readonly TenantStatus[];

/** What somebody does to a tenant's status. */
export type TenantAction =
  'activate' | 'suspend' | 'unsuspend' | 'lock' | 'unlock' | 'schedule_deletion' | 'cancel_deletion';

export const TENANT_ACTIONS = [
  'activate',
  'suspend',
  'unsuspend',
  'lock',
  'unlock',
  'schedule_deletion',
  'cancel_deletion',
] as const satisfies readonly TenantAction[];

/** The timestamps the status follows from. `…Until` null = until somebody lifts it. */
export interface TenantStatusFacts {
  /** First contact confirmed, or first checkout. */
  readonly confirmedAt: Date | null;
  readonly suspendedAt: Date | null;
  readonly suspendedUntil: Date | null;
  readonly lockedAt: Date | null;
  readonly lockedUntil: Date | null;
  readonly deletionScheduledAt: Date | null;
}

/** The layers from the top down: the first that is in force is the tenant's status. */
const LAYERS: readonly { status: TenantStatus; inForce: (facts: TenantStatusFacts, now: Date) => boolean }[] =
  [
    { status: 'DELETION_SCHEDULED', inForce: (facts) => facts.deletionScheduledAt !== null },
    { status: 'LOCKED', inForce: (facts, now) => holds(facts.lockedAt, facts.lockedUntil, now) },
    { status: 'SUSPENDED', inForce: (facts, now) => holds(facts.suspendedAt, facts.suspendedUntil, now) },
    { status: 'ACTIVE', inForce: (facts) => facts.confirmedAt !== null },
    { status: 'PENDING', inForce: () => true },
  ];

/** The tenant's status at `now`. A lock or suspension whose time is over counts no more; the job tidies up. */
export function effectiveTenantStatus(facts: TenantStatusFacts, now: Date): TenantStatus {
  return statusBelow(facts, now, 0);
}

/**
 * The status that shows once the topmost layer is lifted: what `unlock` of a locked and suspended tenant
 * leads to. PENDING and ACTIVE have nothing to lift and stay.
 */
export function statusBeneath(facts: TenantStatusFacts, now: Date): TenantStatus {
  const top = LAYERS.findIndex((layer) => layer.inForce(facts, now));
  const liftable = LAYERS[top]?.status !== 'ACTIVE' && LAYERS[top]?.status !== 'PENDING';
  return statusBelow(facts, now, liftable ? top + 1 : top);
}

/** Lifting a layer shows the one beneath; every other action leads to one status. */
const TRANSITIONS: Readonly<
  Record<TenantStatus, Readonly<Partial<Record<TenantAction, TenantStatus | 'beneath'>>>>
> = {
  PENDING: {
    activate: 'ACTIVE',
    suspend: 'SUSPENDED',
    lock: 'LOCKED',
    schedule_deletion: 'DELETION_SCHEDULED',
  },
  ACTIVE: { suspend: 'SUSPENDED', lock: 'LOCKED', schedule_deletion: 'DELETION_SCHEDULED' },
  SUSPENDED: { unsuspend: 'beneath', lock: 'LOCKED', schedule_deletion: 'DELETION_SCHEDULED' },
  LOCKED: { unlock: 'beneath', schedule_deletion: 'DELETION_SCHEDULED' },
  DELETION_SCHEDULED: { cancel_deletion: 'beneath' },
};

/** The new status, or the refusal to answer with (409). */
export type TenantTransition =
  | { readonly status: TenantStatus; readonly error?: undefined }
  | { readonly error: 'state_conflict'; readonly status?: undefined };

/**
 * What an action makes of a tenant's effective status; what is not in the table is refused.
 * `beneath` is the status under the layer that is lifted (`statusBeneath`); ACTIVE for a tenant with one layer.
 * A confirmation of a suspended or locked tenant is refused here but still recorded as `confirmedAt` by the
 * caller: it shows when the layers above are lifted.
 */
export function transition(
  status: TenantStatus,
  action: TenantAction,
  beneath: TenantStatus = 'ACTIVE',
): TenantTransition {
  const next = TRANSITIONS[status][action];
  if (next === undefined) return { error: 'state_conflict' };
  return { status: next === 'beneath' ? beneath : next };
}

function statusBelow(facts: TenantStatusFacts, now: Date, layer: number): TenantStatus {
  return LAYERS.slice(layer).find(({ inForce }) => inForce(facts, now))?.status ?? 'PENDING';
}

function holds(at: Date | null, until: Date | null, now: Date): boolean {
  return at !== null && (until === null || now < until);
}
