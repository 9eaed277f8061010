import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Scope } from '../../contracts/permissions';
import { Lifecycle } from '../lifecycle';
import { Logger } from '../logger';
import { Metrics } from '../metrics';
import { RequestContext } from '../request-context';
import { AccessRule } from './access';
import { Authentication } from './authentication';
import { MAX_BODY_BYTES } from './fastify-adapter';
import { problemAnswer, toBillingError } from './problem';
import { parseStrictJson } from './strict-json';

export const JSON_TYPE = 'application/json; charset=utf-8';
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
const MOST_HEADERS = 100;

/** What a hot route answers: JSON text that it has written itself. */
export interface HotAnswer {
  readonly status: number;
  /** JSON, as text or in UTF-8. */
  readonly body: string | Buffer;
  /** Of x-limit-warning. */
  readonly warning: string | null;
}

/** A route that is asked thousands of times a second. */
export interface HotRoute {
  readonly method: 'GET' | 'POST';
  /** As Fastify knows it; a parameter may stand at the end only. */
  readonly pattern: string;
  readonly scope: Scope;
  /** @param asked the parsed body of a POST, the parameter of a GET */
  readonly answer: (asked: unknown) => Promise<HotAnswer>;
}

/** Sends a hot route's answer the ordinary way. */
export async function sendHot(reply: FastifyReply, { status, body, warning }: HotAnswer): Promise<void> {
  if (warning !== null) void reply.header('x-limit-warning', warning);
  await reply.status(status).header('content-type', JSON_TYPE).send(body);
}

/** What the headers of a plain request say. */
interface PlainHeaders {
  readonly credential: string;
  readonly tenant: string | null;
  /** Of the body in bytes. */
  readonly length: number;
}

/**
 * The short path of the hottest routes: from Node's request straight to their handler, past Fastify and Nest,
 * which would take most of the time (docs/adr/0009). It takes plain requests only: exactly this address, from a
 * caller that is known, with the usual headers. Everything else, the first request of each
 * caller among it, goes the ordinary way, so every rule is written there and nothing is decided here.
 */
@Injectable()
export class ShortPath {
  private readonly logger = new Logger('http');
  private readonly exact = new Map<string, HotRoute>();
  private readonly prefixed: { readonly prefix: string; readonly route: HotRoute }[] = [];

  constructor(
    private readonly authentication: Authentication,
    private readonly requestContext: RequestContext,
    private readonly metrics: Metrics,
    private readonly lifecycle: Lifecycle,
  ) {}

  /** A controller offers one of its routes; the route must exist in Fastify with the same rule. */
  offer(route: HotRoute): void {
    const parameter = route.pattern.indexOf(':');
    if (parameter === -1) this.exact.set(`${route.method} ${route.pattern}`, route);
    else this.prefixed.push({ prefix: route.pattern.slice(0, parameter), route });
  }

  get routes(): readonly HotRoute[] {
    return [...this.exact.values(), ...this.prefixed.map(({ route }) => route)];
  }

  /** Answers the request, or says false and leaves it untouched. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, url } = request as { method: string; url: string };
    const exact = this.exact.get(`${method} ${url}`);
    const prefixed = exact ? undefined : this.prefixed.find(({ prefix }) => url.startsWith(prefix));
    const route = exact ?? prefixed?.route;
    if (!route || route.method !== method || this.lifecycle.isStopping) return false;
    const parameter = prefixed ? url.slice(prefixed.prefix.length) : null;
    if (parameter !== null && !/^[\w.-]+$/.test(parameter)) return false;
    const headers = plainHeaders(request.rawHeaders);
    if (!headers || (method === 'GET' ? headers.length !== 0 : !fits(headers.length))) return false;
    const admission = this.authentication.recognise(headers.credential, headers.tenant, ruleOf(route));
    if (!admission) return false;

    const call: Call = { route, response, id: randomUUID(), startedAt: performance.now(), headers: [] };
    call.headers.push('x-request-id', call.id, 'x-content-type-options', 'nosniff');
    call.headers.push('cache-control', 'no-store', 'x-tenant-status', admission.status ?? '');
    const begin = (asked: () => unknown): void => {
      this.requestContext.run({ requestId: call.id, ip: request.socket.remoteAddress }, () => {
        this.authentication.resume(admission);
        void this.handle(call, asked);
      });
    };
    if (parameter !== null) begin(() => parameter);
    else readWhole(request, headers.length, (bytes) => begin(() => parseStrictJson(bytes)));
    return true;
  }

  private async handle(call: Call, asked: () => unknown): Promise<void> {
    try {
      const { status, body, warning } = await call.route.answer(asked());
      if (warning !== null) call.headers.push('x-limit-warning', warning);
      this.send(call, status, JSON_TYPE, body);
    } catch (thrown) {
      const error = toBillingError(thrown);
      if (error.status >= 500) this.logger.error('http.failed', error.cause ?? error, { code: error.code });
      const { status, headers, body } = problemAnswer(error, call.id);
      for (const [name, value] of Object.entries(headers)) put(call.headers, name, value);
      this.send(call, status, PROBLEM_TYPE, JSON.stringify(body));
    }
  }

  private send(
    { route, response, startedAt, headers }: Call,
    status: number,
    type: string,
    body: string | Buffer,
  ): void {
    headers.push('content-type', type, 'content-length', String(Buffer.byteLength(body)));
    if (this.lifecycle.isStopping) headers.push('connection', 'close');
    response.writeHead(status, headers);
    response.end(body);
    const seconds = (performance.now() - startedAt) / 1000;
    this.metrics.observeHttp(route.pattern, route.method, status, seconds);
    if (!this.logger.isOn('info')) return;
    this.logger.info('http.request', {
      method: route.method,
      route: route.pattern,
      status,
      duration_ms: Math.round(seconds * 1000),
    });
  }
}

interface Call {
  readonly route: HotRoute;
  readonly response: ServerResponse;
  readonly id: string;
  readonly startedAt: number;
  /** Names and values in turns, as Node writes them fastest. */
  readonly headers: string[];
}

function put(headers: string[], name: string, value: string): void {
  const at = headers.indexOf(name);
  if (at === -1) headers.push(name, value);
  else headers[at + 1] = value;
}

/** The rule that the route must have in Fastify, too. */
export function ruleOf({ scope }: HotRoute): Extract<AccessRule, { kind: 'key' }> {
  return { kind: 'key', scope, tenant: 'required' };
}

function fits(length: number): boolean {
  return length > 0 && length <= MAX_BODY_BYTES;
}

/** Null for whatever is not the most usual request: repeated headers, other media types, CORS, compression. */
function plainHeaders(raw: readonly string[]): PlainHeaders | null {
  if (raw.length > MOST_HEADERS * 2) return null;
  let credential: string | null = null;
  let tenant: string | null = null;
  let type: string | null = null;
  let length = 0;
  for (let at = 0; at < raw.length; at += 2) {
    const value = raw[at + 1]!;
    switch (raw[at]!.toLowerCase()) {
      case 'authorization':
        if (credential !== null || !value.startsWith('Bearer ')) return null;
        credential = value.slice('Bearer '.length);
        break;
      case 'x-api-key':
        if (credential !== null) return null;
        credential = value;
        break;
      case 'tenant-id':
        if (tenant !== null) return null;
        tenant = value;
        break;
      case 'content-type':
        if (type !== null || (value !== 'application/json' && value !== JSON_TYPE)) return null;
        type = value;
        break;
      case 'content-length':
        length = Number(value);
        break;
      case 'transfer-encoding':
      case 'content-encoding':
      case 'expect':
      case 'origin':
      case 'upgrade':
        return null;
    }
  }
  if (credential === null || (length > 0 && type === null)) return null;
  return { credential, tenant, length };
}

/** A body whose length Node has checked; nothing happens for one that its sender breaks off. */
function readWhole(request: IncomingMessage, length: number, whole: (bytes: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => whole(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)));
  request.on('error', () => undefined);
}
