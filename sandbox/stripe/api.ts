import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { API_VERSION, type Account } from './account';
import { checkParameters } from './check-parameters';
import { internalError, invalidKey, invalidRequest, keyInUse, rateLimited, StripeApiError } from './errors';
import { render } from './expand';
import { frozenTimeOf } from './engine/test-clock-time';
import { TimeEngine } from './engine/time-engine';
import type { Faults } from './faults';
import { parseForm, type Form } from './form';
import { header, readBody, send } from './http';
import { fingerprint, Idempotency } from './idempotency';
import { newId } from './random';
import type { LoggedRequest, RequestLog } from './request-log';
import { findOperation, type Match } from './routes';

interface Answer {
  status: number;
  body: string;
  headers: Record<string, string>;
}

/** What one request brings along, worked out once. */
interface Incoming {
  id: string;
  method: string;
  path: string;
  key: string | null;
  form: Form;
  log: LoggedRequest;
}

/** The `/v1` side: from the raw request to the bytes of the answer, with the faults that are switched on. */
export class StripeApi {
  constructor(
    private readonly account: Account,
    private readonly secretKey: string,
    private readonly idempotency: Idempotency,
    private readonly requests: RequestLog,
    private readonly faults: () => Faults,
    private readonly random: () => number,
  ) {}

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const incoming = await this.take(request, url);
    const faults = this.faults();
    if (faults.outage) {
      response.destroy();
      return;
    }
    const answer = await this.answer(request, incoming, faults);
    incoming.log.status = answer.status;
    if (incoming.log.cut) {
      incoming.log.status = null;
      response.destroy();
      return;
    }
    send(response, answer.status, answer.body, {
      'request-id': incoming.id,
      'stripe-version': API_VERSION,
      ...(incoming.key ? { 'idempotency-key': incoming.key } : {}),
      ...answer.headers,
    });
  }

  private async take(request: IncomingMessage, url: URL): Promise<Incoming> {
    const id = newId('req');
    const method = request.method ?? 'GET';
    const body = await readBody(request);
    const key = header(request, 'idempotency-key');
    const text = method === 'POST' ? body : url.search.slice(1) + (body ? `&${body}` : '');
    let form: Form;
    try {
      form = parseForm(text);
    } catch {
      // Told to the client in `answer`, where errors are written; the log keeps what came.
      form = { malformed: text };
    }
    const log = this.requests.add({
      id,
      at: new Date().toISOString(),
      method,
      path: url.pathname,
      idempotency_key: key,
      parameters: form,
      status: null,
      replayed: false,
      cut: false,
    });
    return { id, method, path: url.pathname, key, form, log };
  }

  private async answer(request: IncomingMessage, incoming: Incoming, faults: Faults): Promise<Answer> {
    let claimed = false;
    try {
      this.authenticate(request);
      const match = findOperation(incoming.method, incoming.path);
      if (!match) throw unknownPath(incoming);
      if ('malformed' in incoming.form) parseForm(String(incoming.form.malformed));
      // Validated before the key is looked at: a request that never began leaves nothing under its key.
      const params = checkParameters(match.operation, incoming.form);
      incoming.log.parameters = params;
      const key = incoming.method === 'POST' ? incoming.key : null;
      if (key) {
        const stored = this.idempotency.claim(key, fingerprint(incoming.method, incoming.path, params));
        claimed = stored === null;
        if (stored) {
          incoming.log.replayed = true;
          await this.slow(faults);
          return {
            status: stored.status,
            body: stored.body,
            headers: { 'idempotent-replayed': 'true', 'original-request': stored.request_id },
          };
        }
      }
      await this.slow(faults);
      this.refuseByChance(incoming, faults);
      const answer = this.execute(match, params, incoming, key, faults);
      if (this.random() < (faults.cut_after_execute ?? 0)) incoming.log.cut = true;
      return answer;
    } catch (error) {
      return errorAnswer(error, incoming.id);
    } finally {
      if (claimed && incoming.key) this.idempotency.release(incoming.key);
    }
  }

  private authenticate(request: IncomingMessage): void {
    const given = header(request, 'authorization');
    const bearer = given?.startsWith('Bearer ') ? given.slice(7) : null;
    const basic = given?.startsWith('Basic ')
      ? Buffer.from(given.slice(6), 'base64').toString().split(':')[0]
      : null;
    const key = bearer ?? basic ?? null;
    if (key !== this.secretKey) throw invalidKey(key);
    const version = header(request, 'stripe-version');
    if (version && version !== API_VERSION) {
      throw invalidRequest(`Invalid Stripe API version: ${version}. The sandbox speaks ${API_VERSION}.`);
    }
  }

  private async slow(faults: Faults): Promise<void> {
    if (faults.latency_ms) await pause(faults.latency_ms);
  }

  private refuseByChance(incoming: Incoming, faults: Faults): void {
    const chances = faults.status ?? {};
    const drawn = this.random();
    const limited = chances['429'] ?? 0;
    const conflict = limited + (chances['409'] ?? 0);
    if (drawn < limited) throw rateLimited();
    if (drawn < conflict && incoming.method === 'POST') throw keyInUse(incoming.key ?? '(none)');
  }

  private execute(
    match: Match,
    params: object,
    incoming: Incoming,
    key: string | null,
    faults: Faults,
  ): Answer {
    const cause = { id: incoming.id, idempotency_key: incoming.key };
    const keep = (answer: Answer): Answer => {
      if (key) {
        this.idempotency.keep({
          id: key,
          fingerprint: fingerprint(incoming.method, incoming.path, params),
          status: answer.status,
          body: answer.body,
          request_id: incoming.id,
          stored_at: Date.now(),
        });
      }
      return answer;
    };
    // What was due before this request comes first, also when the timer has not looked yet.
    if (incoming.method !== 'GET') TimeEngine.of(this.account).runTo(this.account.now());
    try {
      return this.account.transaction(cause, () => {
        if (this.random() < (faults.status?.['500'] ?? 0)) throw internalError();
        try {
          const expand = (params as { expand?: string[] }).expand ?? [];
          const body = this.atItsTime(match.id, params, () =>
            render(this.account, match.handler({ account: this.account, params, id: match.id }), expand),
          );
          return keep({ status: 200, body: bodyOf(body), headers: {} });
        } catch (error) {
          if (!(error instanceof StripeApiError && error.keepsEffects)) throw error;
          return keep(errorAnswer(error, incoming.id));
        }
      });
    } catch (error) {
      // All effects are undone; what is kept under the key is that it failed, and how.
      const answer = errorAnswer(error, incoming.id);
      return this.account.transaction(cause, () => {
        if (error instanceof StripeApiError) error.afterUndo?.();
        return keep(answer);
      });
    }
  }

  /** Does a request at the time of the test clock it is about, or at the sandbox's own. */
  private atItsTime<R>(pathId: string, params: object, work: () => R): R {
    const frozen = frozenTimeOf(this.account, pathId, params);
    return frozen === null ? work() : this.account.clock.at(frozen, work);
  }
}

function unknownPath({ method, path }: Incoming): StripeApiError {
  const error = invalidRequest(
    `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
  );
  return new StripeApiError(404, error.body);
}

function errorAnswer(error: unknown, requestId: string): Answer {
  if (error instanceof StripeApiError) {
    const body = bodyOf({
      error: { ...error.body, request_log_url: `sandbox:/_sandbox/requests#${requestId}` },
    });
    return { status: error.status, body, headers: error.headers };
  }
  // A mistake in the sandbox itself. Answered as Stripe would, and said aloud: it must be found.
  process.stderr.write(`stripe sandbox: ${error instanceof Error ? error.stack : String(error)}\n`);
  return {
    status: 500,
    body: bodyOf({ error: { type: 'api_error', message: `The Stripe sandbox failed: ${String(error)}` } }),
    headers: {},
  };
}

function bodyOf(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
