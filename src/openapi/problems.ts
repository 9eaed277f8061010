import type { OpenAPIObject } from '@nestjs/swagger';
import { ErrorCode, ERRORS } from '../contracts/errors';
import { takesTenant } from './callers';
import type { Described, Operation } from './operations';

/**
 * What only this operation may answer, read from the services behind it. What follows from its kind (a key,
 * a tenant, a body, an id in the path, a list) is added by `codesOfKind`.
 */
const OWN_CODES: Record<string, readonly ErrorCode[]> = {
  Alerts_view: [],
  Alerts_replace: ['unknown_meter', 'unprocessable'],
  ApiKeys_issue: ['tenant_not_found'],
  ApiKeys_list: [],
  ApiKeys_me: [],
  ApiKeys_get: [],
  ApiKeys_revoke: [],
  Catalog_list: [],
  Catalog_find: [],
  Changes_previewChange: [
    'plan_not_found',
    'plan_not_purchasable',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  Changes_upgrade: [
    'plan_not_found',
    'plan_not_purchasable',
    'payment_action_required',
    'idempotency_key_required',
    'redirect_not_allowed',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  Changes_downgrade: [
    'plan_not_found',
    'plan_not_purchasable',
    'usage_exceeds_plan',
    'payment_action_required',
    'idempotency_key_required',
    'checkout_items_invalid',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  Changes_cancelDowngrade: ['state_conflict', 'unprocessable', 'stripe_unavailable'],
  Changes_cancel: ['version_conflict', 'state_conflict', 'unprocessable', 'stripe_unavailable'],
  Changes_reactivate: ['version_conflict', 'state_conflict', 'unprocessable', 'stripe_unavailable'],
  Changes_pause: ['state_conflict', 'unprocessable', 'stripe_unavailable'],
  Changes_resume: [
    'idempotency_key_required',
    'payment_action_required',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  Changes_changeQuantity: [
    'idempotency_key_required',
    'payment_action_required',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  Changes_scheduledChanges: [],
  Changes_cancelScheduled: ['state_conflict', 'unprocessable', 'stripe_unavailable'],
  Changes_addItem: [
    'idempotency_key_required',
    'plan_not_found',
    'plan_not_purchasable',
    'price_not_found',
    'checkout_items_invalid',
    'payment_action_required',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  Changes_changeItem: [
    'idempotency_key_required',
    'payment_action_required',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  Changes_removeItem: ['payment_action_required', 'state_conflict', 'unprocessable', 'stripe_unavailable'],
  ChangesAdmin_previewChange: [
    'plan_not_found',
    'plan_not_purchasable',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  ChangesAdmin_upgrade: [
    'plan_not_found',
    'plan_not_purchasable',
    'payment_action_required',
    'idempotency_key_required',
    'redirect_not_allowed',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  ChangesAdmin_downgrade: [
    'plan_not_found',
    'plan_not_purchasable',
    'usage_exceeds_plan',
    'payment_action_required',
    'idempotency_key_required',
    'checkout_items_invalid',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  ChangesAdmin_cancelDowngrade: ['state_conflict', 'unprocessable', 'stripe_unavailable'],
  ChangesAdmin_cancel: ['version_conflict', 'state_conflict', 'unprocessable', 'stripe_unavailable'],
  ChangesAdmin_reactivate: ['version_conflict', 'state_conflict', 'unprocessable', 'stripe_unavailable'],
  ChangesAdmin_pause: ['state_conflict', 'unprocessable', 'stripe_unavailable'],
  ChangesAdmin_resume: [
    'idempotency_key_required',
    'payment_action_required',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  ChangesAdmin_changeQuantity: [
    'idempotency_key_required',
    'payment_action_required',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  ChangesAdmin_view: [],
  Portal_open: ['redirect_not_allowed', 'unprocessable', 'stripe_unavailable'],
  PaymentMethods_add: ['stripe_unavailable'],
  PaymentMethods_list: ['stripe_unavailable'],
  PaymentMethods_makeDefault: ['stripe_unavailable'],
  PaymentMethods_remove: ['state_conflict', 'stripe_unavailable'],
  Invoices_list: [],
  Invoices_find: [],
  Invoices_upcoming: ['state_conflict', 'stripe_unavailable'],
  Invoices_pdf: ['state_conflict', 'stripe_unavailable'],
  Invoices_pay: [
    'idempotency_key_required',
    'payment_action_required',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  Checkout_open: [
    'idempotency_key_required',
    'plan_not_found',
    'price_not_found',
    'subscription_exists',
    'plan_not_purchasable',
    'checkout_items_invalid',
    'coupon_invalid',
    'redirect_not_allowed',
    'unprocessable',
    'stripe_unavailable',
  ],
  Checkout_find: [],
  Access_feature: [],
  Access_metric: ['unknown_meter'],
  Documents_openApi: [],
  Events_list: [],
  Health_alive: [],
  Health_ready: [],
  Health_prometheus: [],
  LimitChecks_check: ['unknown_meter'],
  LimitChecks_validate: ['unknown_meter', 'plan_not_found'],
  LimitOverrides_list: [],
  LimitOverrides_set: ['unknown_meter', 'state_conflict', 'unprocessable'],
  LimitOverrides_remove: [],
  Limits_list: [],
  Leaderboards_rank: ['unknown_meter', 'unprocessable'],
  PlansAdmin_create: ['tenant_not_found', 'already_exists', 'unprocessable', 'stripe_unavailable'],
  PlansAdmin_list: [],
  PlansAdmin_startSync: [],
  PlansAdmin_lastSync: ['not_found'],
  PlansAdmin_find: [],
  PlansAdmin_update: [
    'already_exists',
    'version_conflict',
    'state_conflict',
    'unprocessable',
    'stripe_unavailable',
  ],
  PlansAdmin_deactivate: [
    'plan_not_found',
    'plan_in_use',
    'state_conflict',
    'version_conflict',
    'stripe_unavailable',
  ],
  StripeEvents_receive: ['invalid_signature', 'dependency_unavailable'],
  Subscription_view: [],
  Tenants_create: ['already_exists'],
  Tenants_list: [],
  Tenants_get: [],
  Tenants_edit: [],
  Tenants_scheduleDeletion: ['state_conflict'],
  Tenants_cancelDeletion: ['state_conflict'],
  UsageCorrections_correct: ['event_not_found', 'state_conflict', 'unprocessable'],
  UsageEvents_recordEvents: [
    'unknown_meter',
    'limit_exceeded',
    'payment_required',
    'event_id_conflict',
    'late_usage',
    'state_conflict',
    'unprocessable',
    'overloaded',
  ],
  UsageEvents_increment: [
    'unknown_meter',
    'limit_exceeded',
    'payment_required',
    'event_id_conflict',
    'unprocessable',
    'overloaded',
  ],
  UsageEvents_decrement: [
    'unknown_meter',
    'event_id_conflict',
    'state_conflict',
    'unprocessable',
    'overloaded',
  ],
  UsageEventLog_list: [],
  UsageEventLog_get: [],
  UsageExport_export: ['unknown_meter', 'rate_limited', 'overloaded'],
  UsageOverview_read: [],
  UsageOverview_series: ['unknown_meter', 'unprocessable', 'overloaded'],
  UsageOverview_costs: [],
  UsageReservations_reserve: ['unknown_meter', 'unprocessable', 'limit_exceeded', 'payment_required'],
  UsageReservations_list: [],
  UsageReservations_get: [],
  UsageReservations_commit: ['state_conflict', 'unprocessable'],
  UsageReservations_release: ['state_conflict'],
};

/**
 * Adds the problem document and, to each operation, its problems by status.
 * @throws Error for operations that the table above does not name, and for names in it that are no operation
 */
export function describeProblems(document: OpenAPIObject, operations: Operation[]): void {
  refuseGaps(operations);
  document.components ??= {};
  document.components.schemas = { ...document.components.schemas, ...problemSchemas() };
  for (const operation of operations) {
    const { responses } = operation.described;
    for (const [status, codes] of byStatus(codesOf(operation))) responses[status] ??= problems(codes);
    responses['default'] = {
      description: 'Any other problem, for instance `rate_limited` or `internal`; see `code`.',
      content: problemContent({ $ref: '#/components/schemas/Problem' }),
    };
  }
}

function refuseGaps(operations: Operation[]): void {
  const ids = operations.map(({ id }) => id);
  const missing = ids.filter((id) => !Object.hasOwn(OWN_CODES, id));
  const stale = Object.keys(OWN_CODES).filter((id) => !ids.includes(id));
  if (missing.length + stale.length === 0) return;
  throw new Error(
    'OWN_CODES of src/openapi/problems.ts must name each operation once. ' +
      `Missing: ${missing.join(', ') || 'none'}. No longer there: ${stale.join(', ') || 'none'}.`,
  );
}

function codesOf(operation: Operation): ErrorCode[] {
  const codes = new Set([...codesOfKind(operation), ...OWN_CODES[operation.id]!]);
  // In the order of the catalogue.
  return (Object.keys(ERRORS) as ErrorCode[]).filter((code) => codes.has(code));
}

/** What the edge, the guards and the pipes answer for routes of this kind. */
function codesOfKind({ described, access, path, method, isIdempotent }: Operation): ErrorCode[] {
  const codes: ErrorCode[] = [];
  const parameters = (described.parameters ?? []).filter((parameter) => 'in' in parameter);
  // Repeated query parameters, for instance.
  if (path.startsWith('/v1/')) codes.push('validation_failed');
  if (access.kind !== 'public') codes.push('unauthenticated', 'insufficient_scope', 'dependency_unavailable');
  if (access.kind !== 'public' && method !== 'get') codes.push('overloaded');
  if (takesTenant(access)) codes.push('tenant_header_invalid', 'tenant_mismatch');
  if (takesTenant(access) && access.kind === 'key') codes.push('tenant_header_required');
  if (described.requestBody) codes.push('invalid_json', 'payload_too_large', 'unsupported_media_type');
  if (parameters.some((parameter) => parameter.in === 'path')) codes.push('not_found');
  if (parameters.some((parameter) => parameter.name === 'cursor')) codes.push('invalid_cursor');
  if (isIdempotent)
    codes.push('idempotency_key_invalid', 'idempotency_in_progress', 'idempotency_key_reused');
  return codes;
}

function byStatus(codes: ErrorCode[]): Map<string, ErrorCode[]> {
  const groups = new Map<string, ErrorCode[]>();
  for (const code of codes) {
    const status = String(ERRORS[code].status);
    groups.set(status, [...(groups.get(status) ?? []), code]);
  }
  return groups;
}

function problems(codes: ErrorCode[]): Described['responses'][string] {
  const schema = codes.includes('limit_exceeded') ? 'LimitProblem' : 'Problem';
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    content: problemContent({
      allOf: [
        { $ref: `#/components/schemas/${schema}` },
        { type: 'object', properties: { code: { type: 'string', enum: codes } } },
      ],
    }),
  };
}

function problemContent<Schema>(schema: Schema): Record<string, { schema: Schema }> {
  return { 'application/problem+json': { schema } };
}

function problemSchemas(): NonNullable<NonNullable<OpenAPIObject['components']>['schemas']> {
  const text = { type: 'string' };
  return {
    Problem: {
      type: 'object',
      description: 'An error (RFC 9457). Some codes bring members of their own.',
      required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
      properties: {
        type: { type: 'string', format: 'uri', description: 'Ends with the code.' },
        title: text,
        status: { type: 'integer', description: 'The HTTP status again.' },
        detail: { type: 'string', description: 'What the caller can do about it, for people.' },
        code: { $ref: '#/components/schemas/ErrorCode' },
        request_id: { type: 'string', format: 'uuid', description: 'Quote it to support.' },
        errors: {
          type: 'array',
          description: 'The violated fields.',
          items: { $ref: '#/components/schemas/FieldError' },
        },
        reason: {
          type: 'string',
          description:
            'Of `coupon_invalid`: why the code is refused. Of `state_conflict`: what stands against it.',
        },
        exceeded_limits: {
          type: 'array',
          description: 'Of `usage_exceeds_plan`: what is used above the new limits.',
          items: {
            type: 'object',
            required: ['metric', 'used', 'limit', 'excess'],
            properties: {
              metric: { type: 'string' },
              used: { oneOf: [{ type: 'integer' }, { type: 'string' }] },
              limit: { type: 'integer' },
              excess: { oneOf: [{ type: 'integer' }, { type: 'string' }] },
            },
          },
        },
        client_secret: {
          type: 'string',
          nullable: true,
          description: 'Of `payment_action_required`: for the payer’s browser.',
        },
        hosted_invoice_url: {
          type: 'string',
          nullable: true,
          description: 'Of `payment_action_required`: where to pay.',
        },
        checkout_url: {
          type: 'string',
          description: 'Of `payment_action_required`: where to pay a first purchase.',
        },
        pay_url: { type: 'string', description: 'Of `payment_required`: where to pay what is overdue.' },
        tenants: { type: 'integer', description: 'Of `plan_in_use`: how many are on the plan.' },
        subscriptions: { type: 'integer', description: 'Of `plan_in_use`: how many pay for it in Stripe.' },
        upgrade_url: { type: 'string', description: 'Of `subscription_exists`: the route to use instead.' },
        downgrade_url: { type: 'string', description: 'Of `subscription_exists`: the route to use instead.' },
      },
      additionalProperties: true,
    },
    LimitProblem: limitProblem(),
    FieldError: {
      type: 'object',
      required: ['pointer', 'code', 'message'],
      properties: {
        pointer: {
          type: 'string',
          description: 'JSON pointer into the body, or `query:` or `header:` and the name.',
        },
        code: text,
        message: text,
      },
    },
    ErrorCode: {
      type: 'string',
      enum: Object.keys(ERRORS),
      description: (Object.keys(ERRORS) as ErrorCode[])
        .map((code) => `- \`${code}\` (${ERRORS[code].status}): ${ERRORS[code].advice}`)
        .join('\n'),
    },
  };
}

type Schema = ReturnType<typeof problemSchemas>[string];

/** The members of `limit_exceeded` (LimitExceededFacts), and of nothing else. */
function limitProblem(): Schema {
  const amount = {
    description: 'A whole number while it is safe as one, else a decimal text.',
    oneOf: [{ type: 'number' }, { type: 'string' }],
  };
  const suggestion = {
    type: 'object',
    description: 'A plan that would allow it, the cheapest first.',
    required: ['plan_id', 'name', 'amount', 'currency', 'interval', 'checkout_url', 'limit'],
    properties: {
      plan_id: { type: 'string', format: 'uuid' },
      name: { type: 'string' },
      amount: { type: 'integer', description: 'In minor units, per interval.' },
      currency: { type: 'string' },
      interval: { type: 'string' },
      limit: { type: 'number', nullable: true, description: 'Of the metric; null = unlimited.' },
      checkout_url: { type: 'string', format: 'uri', description: 'The price list, with this plan shown.' },
    },
    additionalProperties: true,
  };
  return {
    description: 'A problem; of `limit_exceeded` with where the metric stands. Nothing was counted.',
    allOf: [
      { $ref: '#/components/schemas/Problem' },
      {
        type: 'object',
        properties: {
          metric: { type: 'string' },
          current_usage: amount,
          reserved: amount,
          limit: { type: 'number' },
          grace_limit: { type: 'number' },
          requested: amount,
          resets_at: { type: 'string', format: 'date-time', nullable: true },
          upgrade_suggestions: { type: 'array', items: suggestion },
          billing_portal_url: { type: 'string', format: 'uri' },
        },
      },
    ],
  } as Schema;
}
