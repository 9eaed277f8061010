import { BillingError } from '../../../contracts/errors';

/** Two years: what Stripe takes for a pause, and as far ahead as anybody plans a change. */
const FARTHEST_MS = 730 * 86_400_000;

/**
 * A moment to come that a caller named; null when none was.
 * @throws BillingError validation_failed for one that is past, or too far away
 */
export function futureMoment(text: string | undefined, field: string, now: Date): Date | null {
  if (text === undefined) return null;
  const at = new Date(text);
  const ahead = at.getTime() - now.getTime();
  if (ahead > 0 && ahead <= FARTHEST_MS) return at;
  throw new BillingError('validation_failed', {
    errors: [{ pointer: `/${field}`, code: 'out_of_range', message: 'must be within the next two years' }],
  });
}
