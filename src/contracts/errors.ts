/**
 * Every error the API answers, on one page: code -> HTTP status, title, and what the caller can do.
 * The problem filter, the OpenAPI document, the SDK and the docs read this table. Codes are a contract.
 */
interface ErrorEntry {
  readonly status: number;
  readonly title: string;
  /** What the caller can do about it; the default `detail` of the answer. Never echoes input. */
  readonly advice: string;
}

export const ERRORS = {
  // 400: the request itself is wrong
  invalid_json: entry(
    400,
    'Invalid JSON',
    'The body must be one strict UTF-8 JSON document without duplicate keys.',
  ),
  validation_failed: entry(
    400,
    'Validation failed',
    'Correct the fields named in errors and send the request again.',
  ),
  bad_request: entry(
    400,
    'Bad request',
    'The request could not be read as HTTP. Check its framing and its path.',
  ),
  tenant_header_required: entry(
    400,
    'Tenant header required',
    'Send the tenant-id header with this kind of key.',
  ),
  tenant_header_invalid: entry(400, 'Tenant header invalid', 'tenant-id must be exactly one UUID.'),
  idempotency_key_required: entry(
    400,
    'Idempotency key required',
    'Send an Idempotency-Key header with this request.',
  ),
  idempotency_key_invalid: entry(
    400,
    'Idempotency key invalid',
    'Idempotency-Key must be one value of 1 to 255 printable ASCII characters.',
  ),
  invalid_cursor: entry(
    400,
    'Invalid cursor',
    'Use next_cursor as it was given, on the same list and tenant.',
  ),
  invalid_sort: entry(400, 'Invalid sort', 'Sort by one of the documented fields.'),
  invalid_signature: entry(
    400,
    'Invalid signature',
    'Sign the exact bytes with the current endpoint secret and time.',
  ),
  // 401
  unauthenticated: entry(401, 'Unauthenticated', 'Send a valid key as Authorization: Bearer or x-api-key.'),
  reauthentication_required: entry(
    401,
    'Reauthentication required',
    'Confirm your identity again and retry.',
  ),
  // 402
  limit_exceeded: entry(
    402,
    'Limit exceeded',
    'The limit of the plan is reached. Upgrade, or wait for the reset.',
  ),
  payment_required: entry(
    402,
    'Payment required',
    'An active subscription is needed. Start a checkout or pay.',
  ),
  payment_action_required: entry(
    402,
    'Payment action required',
    'Finish the payment at the URL in the answer.',
  ),
  feature_not_in_plan: entry(
    402,
    'Feature not in plan',
    'The plan does not bring this feature. Upgrade to one that does.',
  ),
  trial_expired: entry(402, 'Trial expired', 'Choose a plan to go on.'),
  // 403
  tenant_mismatch: entry(403, 'Tenant mismatch', 'The credential may not act for this tenant.'),
  tenant_suspended: entry(403, 'Tenant suspended', 'The tenant is suspended. Contact support.'),
  insufficient_scope: entry(403, 'Insufficient scope', 'Use a key whose kind and scopes allow this route.'),
  // 404
  not_found: entry(404, 'Not found', 'There is no such thing here.'),
  plan_not_found: entry(404, 'Plan not found', 'Choose one of the plans listed for this tenant.'),
  tenant_not_found: entry(404, 'Tenant not found', 'Name the id of an existing tenant.'),
  price_not_found: entry(404, 'Price not found', 'Choose an active recurring price.'),
  event_not_found: entry(404, 'Event not found', 'Name the event_id of a recorded event.'),
  unknown_meter: entry(404, 'Unknown meter', 'Use the key of an existing meter.'),
  // 405 to 431: HTTP itself
  method_not_allowed: entry(405, 'Method not allowed', 'Use one of the methods in the Allow header.'),
  not_acceptable: entry(406, 'Not acceptable', 'This route answers JSON.'),
  request_timeout: entry(408, 'Request timeout', 'Send the whole request within 10 seconds.'),
  payload_too_large: entry(413, 'Payload too large', 'Send a smaller body, or several requests.'),
  uri_too_long: entry(414, 'URI too long', 'Shorten the URI.'),
  unsupported_media_type: entry(415, 'Unsupported media type', 'Send application/json, not compressed.'),
  headers_too_large: entry(431, 'Headers too large', 'Send fewer or shorter headers.'),
  // 409
  idempotency_in_progress: entry(
    409,
    'Request in progress',
    'The first request with this key still runs. Retry later.',
  ),
  state_conflict: entry(409, 'State conflict', 'The object is not in a state that allows this.'),
  already_exists: entry(409, 'Already exists', 'An object with this identity exists.'),
  version_conflict: entry(409, 'Version conflict', 'The object changed meanwhile. Read it again.'),
  subscription_exists: entry(
    409,
    'Subscription exists',
    'Change the running subscription: use upgrade or downgrade.',
  ),
  usage_exceeds_plan: entry(
    409,
    'Usage exceeds plan',
    'More is used than the new plan allows. Use less, or choose another plan.',
  ),
  plan_in_use: entry(409, 'Plan in use', 'Tenants are on this plan. Name a successor with replace_with.'),
  // 422
  idempotency_key_reused: entry(
    422,
    'Idempotency key reused',
    'This key was used with another request. Use a new one.',
  ),
  event_id_conflict: entry(422, 'Event id conflict', 'This event_id was used for another event.'),
  coupon_invalid: entry(422, 'Coupon invalid', 'Use another code, or none.'),
  plan_not_purchasable: entry(
    422,
    'Plan not purchasable',
    'This plan has no price to buy. Ask for an offer.',
  ),
  redirect_not_allowed: entry(
    422,
    'Redirect not allowed',
    'Use a URL whose origin is on the configured allow-list.',
  ),
  checkout_items_invalid: entry(
    422,
    'Checkout items invalid',
    'All items need the same currency and interval.',
  ),
  webhook_url_blocked: entry(422, 'Webhook URL blocked', 'Use a public https URL.'),
  late_usage: entry(
    422,
    'Late usage',
    'The period of this event is closed and takes no more, or it is more than 35 days old.',
  ),
  unprocessable: entry(422, 'Unprocessable', 'The request is well formed but cannot be carried out.'),
  // 423, 429
  tenant_locked: entry(423, 'Tenant locked', 'The tenant is locked. Contact support.'),
  rate_limited: entry(429, 'Rate limited', 'Slow down and retry after the time in Retry-After.'),
  // 5xx: ours
  internal: entry(500, 'Internal error', 'Something failed on our side. Quote the request_id to support.'),
  not_configured: entry(501, 'Not configured', 'The operator has not configured this feature.'),
  dependency_unavailable: entry(503, 'Dependency unavailable', 'A part of the service is away. Retry later.'),
  stripe_unavailable: entry(
    503,
    'Stripe unavailable',
    'Stripe does not answer. Nothing was lost. Retry later.',
  ),
  overloaded: entry(503, 'Overloaded', 'Too much at once. Retry later.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** One violated field: a JSON pointer (RFC 6901) into the body, or `query:`/`header:` and the name. */
export interface FieldError {
  pointer: string;
  code: string;
  message: string;
}

interface BillingErrorOptions {
  /** Replaces the catalogue's advice; must never contain caller input, SQL, paths or secrets. */
  detail?: string;
  errors?: FieldError[];
  /** Seconds for the Retry-After header. */
  retryAfter?: number;
  /** Members added to the problem document (RFC 9457 extension members), snake_case. */
  extra?: Record<string, unknown>;
  /** Answer headers, for instance Allow. */
  headers?: Record<string, string>;
  cause?: unknown;
}

/** The only error the business throws on purpose: a code from the page above, with what the caller needs. */
export class BillingError extends Error {
  readonly detail: string;
  readonly errors?: FieldError[];
  readonly retryAfter?: number;
  readonly extra?: Record<string, unknown>;
  readonly headers?: Record<string, string>;

  constructor(
    readonly code: ErrorCode,
    options: BillingErrorOptions = {},
  ) {
    super(code, { cause: options.cause });
    this.name = 'BillingError';
    this.detail = options.detail ?? ERRORS[code].advice;
    this.errors = options.errors;
    this.retryAfter = options.retryAfter;
    this.extra = options.extra;
    this.headers = options.headers;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

function entry(status: number, title: string, advice: string): ErrorEntry {
  return { status, title, advice };
}
