import { BillingError } from '../../../contracts/errors';

/**
 * A span of time has its beginning before its end.
 * @throws BillingError validation_failed
 */
export function refuseBackwards(from: string | null, to: string | null): void {
  if (from === null || to === null || Date.parse(from) < Date.parse(to)) return;
  throw spanError('to', 'not_after_from', 'to must be after from.');
}

/** Something is wrong with a parameter of the query. */
export function spanError(parameter: string, code: string, message: string): BillingError {
  return new BillingError('validation_failed', {
    detail: message,
    errors: [{ pointer: `query:${parameter}`, code, message }],
  });
}
