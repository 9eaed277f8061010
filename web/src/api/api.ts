/** One way to talk to the service: JSON over fetch, with a deadline, and every failure as an `ApiProblem`. */

/** Longer than any route's own budget, short enough that nobody stares at a dead button. */
const DEADLINE_MS = 15_000;

/** One wrong field of a request, as `problem+json` lists them. */
export interface FieldProblem {
  pointer: string;
  code: string;
  message?: string;
}

/**
 * A request that did not succeed. `code` is the service's stable error code, or one of ours when the service
 * never answered: `network_unreachable`, `request_timed_out`, `unreadable_answer`.
 */
export class ApiProblem extends Error {
  constructor(
    /** HTTP status; 0 when there was no answer. */
    readonly status: number,
    readonly code: string,
    readonly detail: string | null = null,
    readonly requestId: string | null = null,
    readonly errors: FieldProblem[] = [],
    /** Seconds the service asks us to wait (`Retry-After`), or null. */
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(detail ?? code);
    this.name = 'ApiProblem';
  }

  /**
   * True when the service certainly decided: it refused, and nothing was begun. False when nobody can know
   * whether the request was carried out, so that a retry must reuse its idempotency key.
   */
  get isFinal(): boolean {
    return (
      this.status >= 400 &&
      this.status < 500 &&
      this.code !== 'idempotency_in_progress' &&
      this.status !== 429
    );
  }
}

/** How to send a request; `key` is the tenant's credential. */
export interface RequestOptions {
  method?: 'GET' | 'POST';
  body?: unknown;
  key?: string | null;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/**
 * Sends one request to the service and returns its JSON answer.
 * @throws ApiProblem for every failure, except an abort by the caller's own signal (its reason is rethrown).
 */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(path, options);
  const answer = await readJson(response);
  if (!response.ok) throw problemFrom(response, answer);
  if (answer === undefined) throw new ApiProblem(response.status, 'unreadable_answer');
  // The service's routes are the source of the shape; openapi.json keeps both sides honest.
  return answer as T;
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    return await fetch(path, {
      method: options.method ?? 'GET',
      headers: headersOf(options),
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, deadline]) : deadline,
      // The key is the only credential; cookies of the same host are none of the API's business.
      credentials: 'omit',
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ApiProblem(0, deadline.aborted ? 'request_timed_out' : 'network_unreachable');
  }
}

function headersOf({ body, key, idempotencyKey }: RequestOptions): Headers {
  const headers = new Headers({ accept: 'application/json, application/problem+json' });
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (key) headers.set('authorization', `Bearer ${key}`);
  if (idempotencyKey) headers.set('idempotency-key', idempotencyKey);
  return headers;
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return (await response.json()) as unknown;
  } catch {
    // A proxy's HTML page, or a body cut off on the way: the status still tells success from failure.
    return undefined;
  }
}

function problemFrom(response: Response, answer: unknown): ApiProblem {
  const problem = isRecord(answer) ? answer : {};
  return new ApiProblem(
    response.status,
    text(problem.code) ?? 'unreadable_answer',
    text(problem.detail),
    text(problem.request_id) ?? response.headers.get('x-request-id'),
    Array.isArray(problem.errors) ? (problem.errors as FieldProblem[]) : [],
    seconds(response.headers.get('retry-after')),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function seconds(header: string | null): number | null {
  const value = Number(header ?? NaN);
  return Number.isFinite(value) && value >= 0 ? value : null;
}
