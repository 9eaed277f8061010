/** The error bodies of the Stripe API. */
export interface ErrorBody {
  type: 'invalid_request_error' | 'card_error' | 'idempotency_error' | 'api_error' | 'rate_limit_error';
  message: string;
  code?: string;
  decline_code?: string;
  param?: string;
  payment_intent?: unknown;
  setup_intent?: unknown;
  payment_method?: unknown;
  charge?: string;
  doc_url?: string;
  request_log_url?: string;
}

/** An answer that is an error. Thrown anywhere in an operation; the HTTP layer writes it. */
export class StripeApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: ErrorBody,
    readonly headers: Record<string, string> = {},
    /** What the operation did before it failed stays (a declined payment is a fact); else it is undone. */
    readonly keepsEffects = false,
    /** What stays all the same when everything else is undone. Runs in a transaction of its own. */
    readonly afterUndo: (() => unknown) | null = null,
  ) {
    super(body.message);
  }
}

/** The same error, with all effects undone but one. */
export function undone(error: StripeApiError, afterUndo: () => unknown): StripeApiError {
  return new StripeApiError(error.status, error.body, error.headers, false, afterUndo);
}

/** 400: the request is wrong. `code` and `param` as Stripe names them. */
export function invalidRequest(message: string, param?: string, code?: string): StripeApiError {
  return new StripeApiError(400, {
    type: 'invalid_request_error',
    message,
    ...(code ? { code, doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}` } : {}),
    ...(param ? { param } : {}),
  });
}

/** 400: a required parameter is absent. */
export function parameterMissing(param: string): StripeApiError {
  return invalidRequest(`Missing required param: ${param}.`, param, 'parameter_missing');
}

/** 400: Stripe does not know this parameter. */
export function parameterUnknown(param: string): StripeApiError {
  return invalidRequest(`Received unknown parameter: ${param}`, param, 'parameter_unknown');
}

/** 404 for an id in the path, 400 for an id in the body: Stripe's own distinction. */
export function resourceMissing(noun: string, id: string, param = 'id'): StripeApiError {
  const error = invalidRequest(`No such ${noun}: '${id}'`, param, 'resource_missing');
  return new StripeApiError(param === 'id' ? 404 : 400, error.body);
}

/** 402: the card was refused. */
export function cardError(code: string, message: string, extra: Partial<ErrorBody> = {}): StripeApiError {
  return new StripeApiError(402, { type: 'card_error', code, message, ...extra });
}

/** 402 for a payment that was tried: the attempt, its charge and its events stay. */
export function paymentFailed(code: string, message: string, extra: Partial<ErrorBody> = {}): StripeApiError {
  return new StripeApiError(402, { type: 'card_error', code, message, ...extra }, {}, true);
}

/** 401: no key, or not ours. The key is masked as Stripe masks it. */
export function invalidKey(key: string | null): StripeApiError {
  const message = key
    ? `Invalid API Key provided: ${key.slice(0, 8)}${'*'.repeat(Math.max(0, key.length - 12))}${key.slice(-4)}`
    : "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').";
  return new StripeApiError(401, { type: 'invalid_request_error', message });
}

/** 409: another request with this key is being executed. */
export function keyInUse(key: string): StripeApiError {
  return new StripeApiError(409, {
    type: 'idempotency_error',
    code: 'idempotency_key_in_use',
    message: `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
  });
}

/** 400: the key was used before with other parameters. */
export function keyReused(key: string): StripeApiError {
  return new StripeApiError(400, {
    type: 'idempotency_error',
    message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
  });
}

/** 429 with the headers a client may look at. */
export function rateLimited(): StripeApiError {
  return new StripeApiError(
    429,
    {
      type: 'rate_limit_error',
      code: 'rate_limit',
      message:
        'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.',
    },
    { 'stripe-rate-limited-reason': 'global-rate', 'retry-after': '1' },
  );
}

/** 500: Stripe's own failure. Saved under the idempotency key like any other first answer. */
export function internalError(): StripeApiError {
  return new StripeApiError(500, {
    type: 'api_error',
    message: 'An unknown error occurred. (sandbox fault: 500)',
  });
}
