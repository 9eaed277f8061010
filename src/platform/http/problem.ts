import { HttpException } from '@nestjs/common';
import { BillingError, ErrorCode, ERRORS } from '../../contracts/errors';

/** An RFC 9457 problem document with our members. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  request_id: string;
  [member: string]: unknown;
}

export interface ProblemAnswer {
  status: number;
  headers: Record<string, string>;
  body: Problem;
}

/** What Fastify and Node call the ways HTTP itself goes wrong. */
const FRAMEWORK_CODES: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_BAD_URL: 'not_found',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
  FST_ERR_ASYNC_CONSTRAINT: 'not_found',
};

/** Postgres and network failures that mean "away for the moment" rather than "wrong". */
const AWAY = /^(08|57P0|53|25P03)|^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND)$/;
const AWAY_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable|Driver not Connected|Query ?runner (was )?already released|statement timeout|lock timeout/i;
const CONFLICTS = /^(40001|40P01|55P03)$/;

/** Any thrown thing as an error of the catalogue; what is not ours becomes `internal`, without its text. */
export function toBillingError(error: unknown): BillingError {
  if (error instanceof BillingError) return error;
  if (error instanceof HttpException)
    return new BillingError(codeOfStatus(error.getStatus()), { cause: error });
  const code = (error as { code?: unknown } | null)?.code;
  const message = error instanceof Error ? error.message : '';
  if (typeof code === 'string') {
    const framework = FRAMEWORK_CODES[code];
    if (framework) return new BillingError(framework, { cause: error });
    // FATAL ends a connection or refuses it: the server speaks, but not to us now.
    const isFatal = (error as { severity?: unknown }).severity === 'FATAL';
    if (isFatal || AWAY.test(code) || code === '57014')
      return new BillingError('dependency_unavailable', { retryAfter: 2, cause: error });
    if (CONFLICTS.test(code)) return new BillingError('overloaded', { retryAfter: 1, cause: error });
    if (code === '22021' || code === '22P05')
      return new BillingError('validation_failed', { cause: error, errors: [] });
  }
  if (AWAY_MESSAGES.test(message))
    return new BillingError('dependency_unavailable', { retryAfter: 2, cause: error });
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new BillingError(codeOfStatus(status), { cause: error });
  return new BillingError('internal', { cause: error });
}

/** The answer for an error: status, headers and body, with nothing of the cause in it. */
export function problemAnswer(error: BillingError, requestId: string): ProblemAnswer {
  const { status, title } = ERRORS[error.code];
  const headers: Record<string, string> = { 'cache-control': 'no-store', ...error.headers };
  if (error.retryAfter !== undefined) headers['retry-after'] = String(error.retryAfter);
  if (error.code === 'unauthenticated') headers['www-authenticate'] = 'Bearer realm="tenant-billing"';
  return {
    status,
    headers,
    body: {
      // First, so that an added member cannot relabel the error.
      ...error.extra,
      // A name, not an address: a self-hosted service owns no domain to document its errors under (RFC 9457, 3.1.1).
      type: `urn:tenant-billing:error:${error.code}`,
      title,
      status,
      detail: error.detail,
      code: error.code,
      request_id: requestId,
      ...(error.errors ? { errors: error.errors } : {}),
    },
  };
}

function codeOfStatus(status: number): ErrorCode {
  const byStatus: Record<number, ErrorCode> = {
    400: 'bad_request',
    401: 'unauthenticated',
    403: 'insufficient_scope',
    404: 'not_found',
    405: 'method_not_allowed',
    406: 'not_acceptable',
    408: 'request_timeout',
    413: 'payload_too_large',
    414: 'uri_too_long',
    415: 'unsupported_media_type',
    422: 'unprocessable',
    429: 'rate_limited',
    431: 'headers_too_large',
    503: 'dependency_unavailable',
  };
  return byStatus[status] ?? (status >= 500 ? 'internal' : 'bad_request');
}
