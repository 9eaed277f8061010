import { BillingError } from '../../../contracts/errors';
import { compareDecimals, parseDecimal } from '../../../domain/decimal';
import type { Amount } from '../../../domain/usage-standing';
import type { Meter } from '../../pricing/meters.service';

/** What may be reserved of a meter, and what may be committed of a reservation. */

/**
 * The meter, when so much of it can be held.
 * @throws BillingError unknown_meter, unprocessable (not additive), validation_failed
 */
export function refuseReservation(meter: Meter | null, quantity: Amount): Meter {
  if (!meter) throw refused('unknown_meter', 'metric', 'unknown_meter', 'No meter has this key.');
  // What max, latest and unique meters would go up by is only known when the event is there.
  if (meter.kind === 'cap' || (meter.aggregation !== 'sum' && meter.aggregation !== 'count'))
    throw refused('unprocessable', 'metric', 'not_additive', 'Only meters that add up can be reserved.');
  refuseDecimals(meter, String(quantity));
  if (meter.aggregation === 'count') refuseOtherThanOne(String(quantity));
  return meter;
}

/**
 * @param meter null when it was archived meanwhile: what was held may be used all the same
 * @throws BillingError validation_failed, unprocessable (more than held)
 */
export function refuseCommit(meter: Meter | null, quantity: string, held: string): void {
  if (meter) refuseDecimals(meter, quantity);
  if (meter?.aggregation === 'count') refuseOtherThanOne(quantity);
  if (compareDecimals(decimal(quantity), decimal(held)) > 0)
    throw refused(
      'unprocessable',
      'quantity',
      'more_than_reserved',
      'More than was reserved cannot be committed.',
    );
}

/** 5, 5.0 and 5.00 are one quantity. */
export function isSameQuantity(a: string, b: string): boolean {
  return compareDecimals(decimal(a), decimal(b)) === 0;
}

function refuseDecimals({ scale }: Meter, quantity: string): void {
  if (decimal(quantity).scale > scale)
    throw refused(
      'validation_failed',
      'quantity',
      'too_many_decimals',
      'The quantity has more decimals than the meter counts.',
    );
}

/** A counting meter goes up by one per event, whatever its quantity, and a commit is one event. */
function refuseOtherThanOne(quantity: string): void {
  if (!isSameQuantity(quantity, '1'))
    throw refused('validation_failed', 'quantity', 'counts_events', 'This meter counts events: reserve one.');
}

function refused(
  code: 'unknown_meter' | 'unprocessable' | 'validation_failed',
  field: string,
  problem: string,
  message: string,
): BillingError {
  return new BillingError(code, {
    detail: message,
    errors: [{ pointer: `/${field}`, code: problem, message }],
  });
}

function decimal(text: string): ReturnType<typeof parseDecimal> {
  return parseDecimal(text, 38);
}
