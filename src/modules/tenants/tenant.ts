import { ContactId, StripeCustomerId, TenantId } from '../../contracts/ids';
import { PaymentStatus } from '../../domain/subscription-status';
import { TenantStatus, TenantStatusFacts } from '../../domain/tenant-state';
import { TrialFacts } from '../../domain/trial';

/** Where a tenant stands with its money (spec 00, decisions 27). */
export const PAYMENT_STATUSES = [
  'NONE',
  'PENDING',
  'PAID',
  'PAST_DUE',
  'OVERDUE',
  'FAILED',
] as const satisfies readonly PaymentStatus[];

/** A customer organisation. */
export interface Tenant {
  id: TenantId;
  name: string;
  /** Where the tenant as a whole is reached; its people are its contacts. */
  email: string;
  /** BCP 47. */
  locale: string;
  /** As of the last write; what counts now is `effectiveTenantStatus(statusFactsOf(tenant), now)`. */
  status: TenantStatus;
  statusReason: string | null;
  /** When the suspension or lock of `status` ends by itself. */
  statusUntil: Date | null;
  paymentStatus: PaymentStatus;
  paymentFailedAt: Date | null;
  graceUntil: Date | null;
  trialStartedAt: Date | null;
  trialEndsAt: Date | null;
  trialConvertedAt: Date | null;
  confirmedAt: Date | null;
  suspendedAt: Date | null;
  lockedAt: Date | null;
  deletionScheduledAt: Date | null;
  stripeCustomerId: StripeCustomerId | null;
  metadata: Record<string, string>;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

export const CONTACT_ROLES = ['owner', 'billing', 'member'] as const;
export type ContactRole = (typeof CONTACT_ROLES)[number];

/** A person of the tenant who gets mail. */
export interface Contact {
  id: ContactId;
  email: string;
  name: string | null;
  role: ContactRole;
  locale: string;
}

/** How long a tenant stays after its deletion was scheduled (decisions 22). */
export const DELETION_AFTER_DAYS = 30;

/** What the tenant's status follows from; `statusUntil` belongs to the layer that was topmost at the last write. */
export function statusFactsOf(
  tenant: Pick<
    Tenant,
    'status' | 'statusUntil' | 'confirmedAt' | 'suspendedAt' | 'lockedAt' | 'deletionScheduledAt'
  >,
): TenantStatusFacts {
  return {
    confirmedAt: tenant.confirmedAt,
    suspendedAt: tenant.suspendedAt,
    suspendedUntil: tenant.status === 'SUSPENDED' ? tenant.statusUntil : null,
    lockedAt: tenant.lockedAt,
    lockedUntil: tenant.status === 'LOCKED' ? tenant.statusUntil : null,
    deletionScheduledAt: tenant.deletionScheduledAt,
  };
}

/**
 * What the status column keeps when the status in force becomes `next`: as long as `status_until` is set it
 * goes on naming the suspension or lock that the time belongs to, or that layer would never end.
 */
export function statusToStore(
  tenant: Pick<Tenant, 'status' | 'statusUntil'>,
  next: TenantStatus,
): TenantStatus {
  return tenant.statusUntil === null ? next : tenant.status;
}

export function trialFactsOf(
  tenant: Pick<Tenant, 'trialStartedAt' | 'trialEndsAt' | 'trialConvertedAt'>,
): TrialFacts {
  return {
    startedAt: tenant.trialStartedAt,
    endsAt: tenant.trialEndsAt,
    convertedAt: tenant.trialConvertedAt,
  };
}
