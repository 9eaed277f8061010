import { Inject, Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isDeepStrictEqual } from 'node:util';
import { BillingError } from '../../contracts/errors';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/env';
import { Lifecycle } from '../lifecycle';
import { Logger } from '../logger';
import { Metrics } from '../metrics';
import { RequestContext } from '../request-context';
import { AccessRule } from './access';
import { Authentication, rawValues } from './authentication';
import { answerCors } from './cors';
import { MAX_BODY_BYTES } from './fastify-adapter';
import { RouteTable } from './route-table';
import { ruleOf, ShortPath } from './short-path';
import { parseStrictJson } from './strict-json';

/** Routes that take the exact bytes, because a signature covers them. */
const RAW_BODY_ROUTES = /^\/v1\/webhooks\/stripe(\/events)?$/;
/** Stripe's largest event is far smaller (B-022). */
const RAW_BODY_LIMIT = 1024 * 1024;
const MAX_URI = 8 * 1024;
const MAX_HEADERS = 100;
/** No caller waits longer than 10 seconds: what a handler asks of others ends before that. */
const ANSWER_MS = 9000;
const API = /^\/(v1|healthz|readyz|metrics)(\/|$|\?)/;

/**
 * The edge of every HTTP request, as Fastify hooks: context, checks that need no body, authentication, body
 * parsing, the log line and the measure. The order of checks is that of errors-and-bad-input.md section 0.
 */
@Injectable()
export class HttpEdge {
  private readonly logger = new Logger('http');
  private readonly origins: ReadonlySet<string>;
  readonly routes = new RouteTable();

  constructor(
    private readonly authentication: Authentication,
    private readonly requestContext: RequestContext,
    private readonly metrics: Metrics,
    private readonly lifecycle: Lifecycle,
    private readonly shortPath: ShortPath,
    @Inject(CONFIG) config: Config,
  ) {
    this.origins = new Set(config.corsAllowedOrigins);
  }

  /** Must be called before the routes are registered. */
  install(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', (route) => this.routes.add(route));
    // One hook for three steps: each further one is a turn through Fastify's hook runner.
    fastify.addHook('onRequest', (request, reply, done) => {
      this.openContext(request, reply, () => {
        if (!answerCors(this.origins, request, reply)) this.check(request, reply, done);
      });
    });
    fastify.addHook('onSend', (_request, reply, _payload, done) => {
      // Tells clients that keep connections to open another one elsewhere.
      if (this.lifecycle.isStopping) void reply.header('connection', 'close');
      done();
    });
    fastify.addHook('onResponse', (request, reply, done) => {
      this.finish(request, reply);
      done();
    });
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('*', (request, payload, done) => {
      readBody(payload, bodyLimitOf(request), (error, bytes) => {
        if (bytes) this.parse(request, bytes, done);
        else done(error);
      });
    });
    this.putShortPathFirst(fastify);
    fastify.server.on('connect', (_request, socket) => {
      socket.end('HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    });
  }

  /** Nothing opens by omission. @throws Error naming the routes that do not say who may call them */
  refuseUnguardedRoutes(): void {
    const open = this.routes.all
      .filter((route) => route.access === null)
      .map((route) => `${route.method} ${route.pattern}`);
    if (open.length > 0) throw new Error(`Routes without @Access or @Public: ${open.join(', ')}`);
    for (const route of this.shortPath.routes) {
      const known = this.routes.all.find(
        (one) => one.method === route.method && one.pattern === route.pattern,
      );
      if (!isDeepStrictEqual(known?.access, ruleOf(route)))
        throw new Error(`${route.method} ${route.pattern} has another rule on the short path`);
    }
  }

  private putShortPathFirst({ server }: FastifyInstance): void {
    const ordinary = server.listeners('request') as ((request: unknown, response: unknown) => void)[];
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      if (this.shortPath.take(request, response)) return;
      for (const listener of ordinary) listener.call(server, request, response);
    });
  }

  private openContext(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    const id = String(request.id);
    void reply.header('x-request-id', id);
    void reply.header('x-content-type-options', 'nosniff');
    if (API.test(request.url)) void reply.header('cache-control', 'no-store');
    const answerBy = performance.now() + ANSWER_MS;
    this.requestContext.run({ requestId: id, ip: request.ip, answerBy }, done);
  }

  /** Synchronous as long as nothing has to be asked: most requests come from a caller that is known. */
  private check(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    try {
      const asked = this.authentication.admit(request, reply, this.ruleOf(request));
      if (asked === null) {
        checkShape(request);
        return done();
      }
      asked
        .then(() => checkShape(request))
        .then(
          () => done(),
          (error: Error) => done(error),
        );
    } catch (error) {
      done(error as Error);
    }
  }

  /** Who may call this route. @throws BillingError when there is none, or the address itself is wrong */
  private ruleOf(request: FastifyRequest): AccessRule {
    if (request.url.length > MAX_URI) throw new BillingError('uri_too_long');
    // Postgres cannot hold U+0000, so no object has it in its id.
    if (/%00/.test(request.url.split('?', 1)[0]!)) throw new BillingError('not_found');
    if (request.raw.rawHeaders.length / 2 > MAX_HEADERS) throw new BillingError('headers_too_large');
    if (request.is404) throw this.routes.refusal(request.method, request.url);
    const rule = (request.routeOptions.config as { access?: AccessRule }).access;
    if (!rule) throw new BillingError('not_found');
    return rule;
  }

  private parse(
    request: FastifyRequest,
    bytes: Buffer,
    done: (error: Error | null, body?: unknown) => void,
  ): void {
    if (isRawRoute(request)) return done(null, bytes);
    if (bytes.length === 0) return done(null, undefined);
    try {
      done(null, parseStrictJson(bytes));
    } catch (error) {
      done(error as Error);
    }
  }

  private finish(request: FastifyRequest, reply: FastifyReply): void {
    const route = request.routeOptions.url ?? 'unmatched';
    this.metrics.observeHttp(route, request.method, reply.statusCode, reply.elapsedTime / 1000);
    if (!this.logger.isOn('info')) return;
    this.logger.info('http.request', {
      method: request.method,
      route,
      status: reply.statusCode,
      duration_ms: Math.round(reply.elapsedTime),
    });
  }
}

function checkShape(request: FastifyRequest): void {
  checkQuery(request.url);
  checkBodyHeaders(request);
}

/**
 * Collects the body within its limit. Its events fire in the socket's context; Fastify binds `done` of a content
 * type parser to the request's.
 */
function readBody(
  payload: NodeJS.ReadableStream,
  limit: number,
  settle: (error: Error | null, bytes?: Buffer) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  payload.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > limit) {
      payload.removeAllListeners('data');
      payload.removeAllListeners('end');
      payload.resume();
      settle(new BillingError('payload_too_large', { headers: { connection: 'close' } }));
    } else chunks.push(chunk);
  });
  payload.on('end', () => settle(null, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
  payload.on('error', (error: Error) => settle(error));
}

function isRawRoute(request: FastifyRequest): boolean {
  return RAW_BODY_ROUTES.test(request.routeOptions.url ?? '');
}

function bodyLimitOf(request: FastifyRequest): number {
  return isRawRoute(request) ? RAW_BODY_LIMIT : MAX_BODY_BYTES;
}

/** Refuses compressed bodies, other media types and bodies announced as too large, before reading them. */
function checkBodyHeaders(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new BillingError('unsupported_media_type');
  const length = Number(request.headers['content-length'] ?? 0);
  const hasBody = length > 0 || request.headers['transfer-encoding'] !== undefined;
  if (!hasBody) return;
  if (length > bodyLimitOf(request))
    throw new BillingError('payload_too_large', { headers: { connection: 'close' } });
  if (isRawRoute(request)) return;
  const types = rawValues(request, 'content-type');
  const [type, ...parameters] = (types[0] ?? '').toLowerCase().split(';');
  if (types.length !== 1 || type!.trim() !== 'application/json')
    throw new BillingError('unsupported_media_type');
  const charset = parameters.map((part) => part.trim()).find((part) => part.startsWith('charset='));
  if (charset && !/^charset="?utf-?8"?$/.test(charset))
    throw new BillingError('invalid_json', { detail: 'The body must be UTF-8.' });
}

/** One value per name, no brackets: what cannot be read in two ways cannot be smuggled (B-063). */
function checkQuery(url: string): void {
  const at = url.indexOf('?');
  if (at === -1) return;
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(url.slice(at + 1))) {
    const wrong = seen.has(name)
      ? 'repeated'
      : /[[\]]|^(__proto__|constructor|prototype)$/.test(name)
        ? 'forbidden_name'
        : value.includes('\u0000')
          ? 'invalid_text'
          : null;
    if (wrong)
      throw new BillingError('validation_failed', {
        errors: [
          { pointer: 'query:', code: wrong, message: 'Each query parameter is one plain name and value.' },
        ],
      });
    seen.add(name);
  }
}
