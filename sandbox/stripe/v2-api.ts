import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type Stripe from 'stripe';
import { API_VERSION, type Account } from './account';
import { invalidRequest, parameterMissing, rateLimited, resourceMissing, StripeApiError } from './errors';
import type { Faults } from './faults';
import { header, readBody, send } from './http';
import { fingerprint, type Idempotency } from './idempotency';
import { takeMeterEvent } from './meters/intake';
import { newId, randomText } from './random';
import type { RequestLog } from './request-log';

type V2Handler = (account: Account, body: Record<string, unknown>, id: string) => object;

const ROUTES: [method: string, pattern: RegExp, handler: V2Handler][] = [
  ['POST', /^\/v2\/billing\/meter_events$/, createMeterEvent],
  ['GET', /^\/v2\/core\/events\/([^/]+)$/, retrieveEvent],
];

/** The `/v2` side, as far as usage needs it: JSON both ways, errors at once, events that bring their details. */
export class StripeV2Api {
  constructor(
    private readonly account: Account,
    private readonly secretKey: string,
    private readonly idempotency: Idempotency,
    private readonly requests: RequestLog,
    private readonly faults: () => Faults,
    private readonly random: () => number,
  ) {}

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const id = newId('req');
    const method = request.method ?? 'GET';
    const text = await readBody(request);
    const key = header(request, 'idempotency-key');
    const log = this.requests.add({
      id,
      at: new Date().toISOString(),
      method,
      path: url.pathname,
      idempotency_key: key,
      parameters: readJson(text) ?? { malformed: text },
      status: null,
      replayed: false,
      cut: false,
    });
    const faults = this.faults();
    if (faults.outage) return void response.destroy();
    if (faults.latency_ms) await pause(faults.latency_ms);
    const { status, body } = this.answer(request, method, url.pathname, text, key, id);
    if (this.random() < (faults.cut_after_execute ?? 0)) {
      log.cut = true;
      return void response.destroy();
    }
    log.status = status;
    send(response, status, body, { 'request-id': id, 'stripe-version': API_VERSION });
  }

  private answer(
    request: IncomingMessage,
    method: string,
    path: string,
    text: string,
    key: string | null,
    id: string,
  ): { status: number; body: string } {
    try {
      if (header(request, 'authorization') !== `Bearer ${this.secretKey}`)
        throw new StripeApiError(401, {
          type: 'invalid_request_error',
          message: 'Invalid API Key provided.',
        });
      const route = ROUTES.find(([known, pattern]) => known === method && pattern.test(path));
      if (!route) throw resourceMissing('path', path);
      const body = readJson(text);
      if (!body) throw invalidRequest('The body is not a JSON object.');
      if (this.random() < (this.faults().status?.['429'] ?? 0)) throw rateLimited();
      return this.account.transaction({ id, idempotency_key: key }, () =>
        this.once(key, method, path, body, () =>
          route[2](this.account, body, route[1].exec(path)?.[1] ?? ''),
        ),
      );
    } catch (error) {
      if (!(error instanceof StripeApiError)) throw error;
      return { status: error.status, body: JSON.stringify({ error: error.body }) };
    }
  }

  /** Under a key that succeeded, a retry gets the first answer; one that failed is tried again (unlike v1). */
  private once(
    key: string | null,
    method: string,
    path: string,
    body: object,
    work: () => object,
  ): { status: number; body: string } {
    const known =
      key && method === 'POST' ? this.idempotency.claim(`v2:${key}`, fingerprint(method, path, body)) : null;
    if (known) return { status: known.status, body: known.body };
    try {
      const answer = JSON.stringify(work());
      if (key && method === 'POST')
        this.idempotency.keep({
          id: `v2:${key}`,
          fingerprint: fingerprint(method, path, body),
          status: 200,
          body: answer,
          request_id: '',
          stored_at: Date.now(),
        });
      return { status: 200, body: answer };
    } finally {
      if (key) this.idempotency.release(`v2:${key}`);
    }
  }
}

function createMeterEvent(account: Account, body: Record<string, unknown>): object {
  for (const name of Object.keys(body))
    if (!['event_name', 'payload', 'identifier', 'timestamp'].includes(name))
      throw invalidRequest(`Received unknown parameter: ${name}`, name, 'parameter_unknown');
  const { event_name, payload, identifier, timestamp } = body;
  if (typeof event_name !== 'string') throw parameterMissing('event_name');
  if (!isTexts(payload)) throw invalidRequest('payload must be an object of texts.', 'payload');
  const at = timestamp === undefined ? account.now() : Date.parse(String(timestamp)) / 1000;
  if (!Number.isFinite(at)) throw invalidRequest('timestamp must be an RFC 3339 time.', 'timestamp');
  const record = takeMeterEvent(account, {
    event_name,
    payload,
    identifier: typeof identifier === 'string' ? identifier : randomText(32),
    timestamp: Math.floor(at),
  });
  const event: Stripe.V2.Billing.MeterEvent = {
    object: 'v2.billing.meter_event',
    created: new Date(record.received_at * 1000).toISOString(),
    event_name,
    identifier: record.id,
    livemode: false,
    payload,
    timestamp: new Date(record.timestamp * 1000).toISOString(),
  };
  return event;
}

function retrieveEvent(account: Account, _body: Record<string, unknown>, id: string): object {
  const event = account.store.find('thin_event', id);
  if (!event) throw resourceMissing('event', id);
  return event;
}

function isTexts(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === 'string')
  );
}

function readJson(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
