import type { FeatureAccess } from './access.service';
import type { Amount } from '../../domain/usage-standing';
import type { LimitCheck } from './plan-limit.service';

/**
 * Answers of the hot routes as JSON text: written by hand, since the serializer would take a tenth of their time.
 * Metrics, features, ids and numbers have no character that needs escaping.
 */
export function checkJson(check: LimitCheck): string {
  const { limit, resets_at } = check;
  return (
    `{"allowed":${check.allowed},"reason":"${check.reason}","metric":"${check.metric}","limit":${limit},` +
    `"current_usage":${json(check.current_usage)},"reserved":${json(check.reserved)},` +
    `"remaining":${json(check.remaining)},"grace_limit":${check.grace_limit},` +
    `"over_limit":${check.over_limit},"source":"${check.source}",` +
    `"resets_at":${resets_at === null ? null : `"${resets_at.toISOString()}"`}}`
  );
}

export function featureJson({ feature, allowed, plan_id, source }: FeatureAccess): string {
  return (
    `{"feature":"${feature}","allowed":${allowed},"plan_id":${plan_id === null ? null : `"${plan_id}"`},` +
    `"source":"${source}"}`
  );
}

/** The value of x-limit-warning: allowed, but only by the grace; null when there is nothing to warn of. */
export function checkWarning({
  reason,
  metric,
  current_usage,
  limit,
  grace_limit,
}: LimitCheck): string | null {
  if (reason !== 'within_grace') return null;
  return `${metric}; usage=${current_usage}; limit=${limit}; grace_limit=${grace_limit}`;
}

function json(value: Amount | null): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}
