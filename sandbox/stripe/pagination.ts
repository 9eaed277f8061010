import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './errors';

export interface PageParams {
  limit?: number;
  starting_after?: string;
  ending_before?: string;
}

/**
 * One page of a list, newest first.
 * `starting_after` walks towards the older, `ending_before` towards the newer; both at once are refused.
 * @throws StripeApiError 400 for a limit outside 1–100 or an unknown cursor.
 */
export function listPage<T extends { id: string }>(
  newestFirst: T[],
  params: PageParams,
  url: string,
): Stripe.ApiList<T> {
  const limit = params.limit ?? 10;
  if (limit < 1 || limit > 100) {
    throw invalidRequest('Limit must be between 1 and 100.', 'limit', 'parameter_invalid_integer');
  }
  if (params.starting_after && params.ending_before) {
    throw invalidRequest(
      'Received both starting_after and ending_before parameters. Please pass in only one.',
    );
  }
  if (params.ending_before) {
    const end = position(newestFirst, params.ending_before, 'ending_before');
    const start = Math.max(0, end - limit);
    return { object: 'list', data: newestFirst.slice(start, end), has_more: start > 0, url };
  }
  const start = params.starting_after
    ? position(newestFirst, params.starting_after, 'starting_after') + 1
    : 0;
  const data = newestFirst.slice(start, start + limit);
  return { object: 'list', data, has_more: start + limit < newestFirst.length, url };
}

function position<T extends { id: string }>(rows: T[], id: string, param: string): number {
  const index = rows.findIndex((row) => row.id === id);
  if (index < 0) throw resourceMissing('object', id, param);
  return index;
}

/** Whether a timestamp (Unix seconds) fits a `created` filter: an exact number or gt/gte/lt/lte. */
export function inRange(seconds: number, range: Stripe.RangeQueryParam | number | undefined): boolean {
  if (range === undefined) return true;
  if (typeof range === 'number') return seconds === range;
  return (
    (range.gt === undefined || seconds > range.gt) &&
    (range.gte === undefined || seconds >= range.gte) &&
    (range.lt === undefined || seconds < range.lt) &&
    (range.lte === undefined || seconds <= range.lte)
  );
}
