import type { UsageStanding } from '../../../domain/usage-standing';
import { UsageResult } from './usage-result';

/** The header of an answer that used more than the limit, within the grace: the metrics it is about; else null. */
export function limitWarning(
  results: readonly Pick<UsageResult, 'metric' | 'current_usage' | 'limit' | 'grace_limit' | 'status'>[],
): string | null {
  const over = new Map<string, string>();
  for (const { metric, current_usage, limit, grace_limit, status } of results) {
    if (status !== 'recorded' || limit === null || current_usage === null) continue;
    if (Number(current_usage) > limit)
      over.set(metric, `${metric}; usage=${current_usage}; limit=${limit}; grace_limit=${grace_limit}`);
  }
  return over.size === 0 ? null : [...over.values()].join(', ');
}

/** The same for a reservation, which takes what others cannot use meanwhile. */
export function reservationWarning(
  metric: string,
  { current_usage, reserved, limit, grace_limit }: UsageStanding,
): string | null {
  if (limit === null || Number(current_usage) + Number(reserved) <= limit) return null;
  return `${metric}; usage=${current_usage}; reserved=${reserved}; limit=${limit}; grace_limit=${grace_limit}`;
}
