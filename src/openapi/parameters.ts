import type { OpenAPIObject } from '@nestjs/swagger';
import { takesTenant } from './callers';
import type { Operation } from './operations';

const METRIC_KEY = '^[a-z][a-z0-9_]{0,62}$';
const FEATURE = '^[a-z0-9_.-]{1,64}$';

/** What the `{id}` of a path names; a path with two has the name of the second behind it. */
const IDS: Record<
  string,
  { description: string; schema: { type: string; format?: string; pattern?: string } }
> = {
  '/v1/plans/{id}': uuid('The plan.'),
  '/v1/admin/plans/{id}': uuid('The plan.'),
  '/v1/admin/tenants/{id}': uuid('The tenant.'),
  '/v1/admin/tenants/{id}/deletion': uuid('The tenant.'),
  '/v1/admin/tenants/{id}/limit-overrides': uuid('The tenant.'),
  '/v1/admin/tenants/{id}/limit-overrides/{metric}': uuid('The tenant.'),
  '/v1/admin/tenants/{id}/limit-overrides/{metric} metric': key('The meter.', METRIC_KEY),
  '/v1/billings/access/features/{feature}': key('The feature, as plans name it.', FEATURE),
  '/v1/billings/leaderboards/{metric}': key('The meter.', METRIC_KEY),
  '/v1/billings/access/metrics/{metric}': key('The meter.', METRIC_KEY),
  '/v1/api-keys/{id}': uuid('The key; its `id`, not its text.'),
  '/v1/billings/usage/events/{id}': {
    description: 'The event’s `event_id`; ours for reservations and corrections, too.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9._:~-]{1,200}$' },
  },
  '/v1/billings/usage/reservations/{id}': uuid('The reservation.'),
  '/v1/billings/usage/reservations/{id}/commit': uuid('The reservation.'),
  '/v1/billings/usage/reservations/{id}/release': uuid('The reservation.'),
  '/v1/subscriptions/{id}': uuid('The subscription: our own id of it.'),
  '/v1/subscriptions/{id}/upgrade/preview': uuid('The subscription: our own id of it.'),
  '/v1/subscriptions/{id}/upgrade': uuid('The subscription: our own id of it.'),
  '/v1/subscriptions/{id}/downgrade': uuid('The subscription: our own id of it.'),
  '/v1/subscriptions/{id}/cancel': uuid('The subscription: our own id of it.'),
  '/v1/subscriptions/{id}/reactivate': uuid('The subscription: our own id of it.'),
  '/v1/subscriptions/{id}/pause': uuid('The subscription: our own id of it.'),
  '/v1/subscriptions/{id}/resume': uuid('The subscription: our own id of it.'),
  '/v1/subscriptions/{id}/quantity': uuid('The subscription: our own id of it.'),
  '/v1/billings/subscription/scheduled-changes/{id}': uuid('The change that waits.'),
  '/v1/billings/subscription/items/{id}': key(
    'The item, as the subscription names it.',
    '^si_[A-Za-z0-9_]+$',
  ),
  '/v1/billings/payment-methods/{id}': key('The payment method: Stripe’s id.', '^pm_[A-Za-z0-9_]+$'),
  '/v1/billings/payment-methods/{id}/default': key('The payment method: Stripe’s id.', '^pm_[A-Za-z0-9_]+$'),
  '/v1/billings/invoices/{id}': uuid('The invoice.'),
  '/v1/billings/invoices/{id}/pdf': uuid('The invoice.'),
  '/v1/billings/invoices/{id}/pay': uuid('The invoice.'),
  '/v1/billings/subscription/checkout/{id}': {
    description: 'The checkout: Stripe’s session id, as the answer that opened it names it.',
    schema: { type: 'string' },
  },
};

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  required: false,
  description:
    'Makes the call repeatable: the first answer to a key is replayed byte for byte, with ' +
    '`Idempotency-Replayed: true`. One value of visible ASCII characters.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
};

const HEADERS = {
  'x-request-id': {
    description: 'Names this request in our logs.',
    schema: { type: 'string', format: 'uuid' },
  },
  'x-tenant-status': { description: 'The status of the tenant acted for.', schema: { type: 'string' } },
  'x-limit-warning': {
    description: 'On answers within the grace: each metric that is over its limit, with its numbers.',
    schema: { type: 'string', example: 'email_sends; usage=1040; limit=1000; grace_limit=1100' },
  },
  'Idempotency-Replayed': {
    description: '`true` on an answer that an earlier request with this key got.',
    schema: { type: 'string', enum: ['true'] },
  },
};

/** Operations that admit, or say whether they would. */
const WARNING = new Set([
  'UsageEvents_recordEvents',
  'UsageEvents_increment',
  'UsageReservations_reserve',
  'LimitChecks_check',
  'Access_metric',
]);

/**
 * Describes the ids in paths, the headers that every route of a kind takes and those it answers.
 * @throws Error for an id in a path that the table above does not describe
 */
export function describeParameters(document: OpenAPIObject, operations: Operation[]): void {
  document.components!.headers = HEADERS;
  for (const { id, path, described, access, isIdempotent } of operations) {
    for (const parameter of described.parameters ?? [])
      if ('in' in parameter && parameter.in === 'path') {
        const about = IDS[`${path} ${parameter.name}`] ?? IDS[path];
        if (!about) throw new Error(`Say what the id in ${path} names, in src/openapi/parameters.ts`);
        Object.assign(parameter, about);
      }
    if (isIdempotent) described.parameters = [...(described.parameters ?? []), IDEMPOTENCY_KEY];
    for (const [status, response] of Object.entries(described.responses)) {
      if (!response || '$ref' in response) continue;
      response.headers = {
        ...response.headers,
        ...header('x-request-id'),
        ...(takesTenant(access) ? header('x-tenant-status') : {}),
        ...(WARNING.has(id) && status.startsWith('2') ? header('x-limit-warning') : {}),
        ...(isIdempotent && status.startsWith('2') ? header('Idempotency-Replayed') : {}),
      };
    }
  }
}

function header(name: keyof typeof HEADERS): Record<string, { $ref: string }> {
  return { [name]: { $ref: `#/components/headers/${name}` } };
}

function key(description: string, pattern: string): (typeof IDS)[string] {
  return { description, schema: { type: 'string', pattern } };
}

function uuid(description: string): (typeof IDS)[string] {
  return { description, schema: { type: 'string', format: 'uuid' } };
}
