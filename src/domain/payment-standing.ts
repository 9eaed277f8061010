import { PaymentStatus } from './subscription-status';

/** An invoice as far as owing goes; read from Stripe, whatever was delivered in whatever order. */
export interface InvoiceFacts {
  readonly status: 'draft' | 'open' | 'paid' | 'void' | 'uncollectible';
  readonly createdAt: Date;
  /** Minor units still to be paid. */
  readonly amountRemaining: number;
  /** Whether a payment of it was tried and failed, or waits for the payer's confirmation. */
  readonly hasFailed: boolean;
  /** Until when an invoice that is sent must be paid; null for those that are charged. */
  readonly dueAt: Date | null;
  /** A dispute about it was lost: the money is gone again. */
  readonly disputeLost: boolean;
}

/** Where a tenant stands with its money. */
export interface PaymentState {
  readonly paymentStatus: PaymentStatus;
  readonly paymentFailedAt: Date | null;
  readonly graceUntil: Date | null;
}

const DAY_MS = 86_400_000;

/**
 * The payment status that follows from all invoices (decisions 27): a function of state, so it does not
 * depend on which delivery came first. Strongest first: FAILED (uncollectible or dispute lost, and nothing was
 * paid since), OVERDUE and PAST_DUE (a payment failed; the grace counts from the first failure), PENDING, PAID,
 * NONE.
 * @param graceDays 0 = overdue at the first failure
 */
export function paymentStateOf(
  known: PaymentState,
  invoices: readonly InvoiceFacts[],
  now: Date,
  graceDays: number,
): PaymentState {
  const counted = invoices.filter(({ status }) => status !== 'draft' && status !== 'void');
  if (counted.some((invoice) => isGivenUp(invoice) && !isPaidSince(invoice, counted)))
    return { ...known, paymentStatus: 'FAILED', graceUntil: null };
  if (counted.some((invoice) => isLate(invoice, now))) return inArrears(known, now, graceDays);
  const paymentStatus = counted.some(isOwed)
    ? 'PENDING'
    : counted.some(({ status }) => status === 'paid')
      ? 'PAID'
      : known.paymentStatus === 'NONE'
        ? 'NONE'
        : 'PAID';
  return { paymentStatus, paymentFailedAt: null, graceUntil: null };
}

/** What still has to be paid of the invoices that are late, in minor units. */
export function amountInArrears(invoices: readonly InvoiceFacts[], now: Date): number {
  return invoices
    .filter((invoice) => isLate(invoice, now))
    .reduce((sum, { amountRemaining }) => sum + amountRemaining, 0);
}

/** The first failure counts; a further failed attempt does not lengthen the grace. */
function inArrears(known: PaymentState, now: Date, graceDays: number): PaymentState {
  const wasIn = known.paymentStatus === 'PAST_DUE' || known.paymentStatus === 'OVERDUE';
  const paymentFailedAt = (wasIn ? known.paymentFailedAt : null) ?? now;
  const graceUntil =
    (wasIn ? known.graceUntil : null) ?? new Date(paymentFailedAt.getTime() + graceDays * DAY_MS);
  return { paymentStatus: graceUntil <= now ? 'OVERDUE' : 'PAST_DUE', paymentFailedAt, graceUntil };
}

function isOwed({ status, amountRemaining }: InvoiceFacts): boolean {
  return status === 'open' && amountRemaining > 0;
}

function isLate(invoice: InvoiceFacts, now: Date): boolean {
  return isOwed(invoice) && (invoice.hasFailed || (invoice.dueAt !== null && invoice.dueAt <= now));
}

function isGivenUp({ status, disputeLost }: InvoiceFacts): boolean {
  return status === 'uncollectible' || disputeLost;
}

function isPaidSince({ createdAt }: InvoiceFacts, invoices: readonly InvoiceFacts[]): boolean {
  return invoices.some(
    (other) => other.status === 'paid' && !other.disputeLost && other.createdAt > createdAt,
  );
}
