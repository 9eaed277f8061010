import { FastifyAdapter } from '@nestjs/platform-fastify';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/env';
import { BillingError, ErrorCode } from '../../contracts/errors';
import { problemAnswer, toBillingError } from './problem';

/** Largest JSON body of any route; a usage batch needs the most (decisions 9). */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

const PARSER_ERRORS: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_INVALID_METHOD: 'method_not_allowed',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/**
 * Fastify with the limits of decisions 17: own body parsing, 10 s for a whole request, a header size at
 * which a 20 kB URI is still read (so that it gets 414), short parameters.
 */
export function createFastifyAdapter(config: Config): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 10_000,
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
    routerOptions: { maxParamLength: 256, ignoreTrailingSlash: false },
    // Node looks for overdue requests only this often; its default of 30 s would make 10 s into 40 (B-058).
    // With a headersTimeout beyond the requestTimeout it swaps the two, and bodies may drip for its 60 s.
    http: { maxHeaderSize: 32 * 1024, connectionsCheckingInterval: 500, headersTimeout: 10_000 },
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    trustProxy: config.trustedProxyHops > 0 ? config.trustedProxyHops : false,
    logger: false,
    exposeHeadRoutes: true,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    rewriteUrl: (request: IncomingMessage) => withoutGatewayPrefix(request.url ?? '/'),
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error: { code: string }, request: FastifyRequest, reply: FastifyReply) => {
      const { status, headers, body } = problemAnswer(toBillingError(error), String(request.id));
      void reply
        .status(status)
        .headers({ ...headers, 'x-request-id': body.request_id, 'x-content-type-options': 'nosniff' })
        .header('content-type', 'application/problem+json; charset=utf-8')
        .send(JSON.stringify(body));
    },
  });
  return adapter;
}

/** Gateways that add /api in front, and the one health path some of them insist on (spec 00). */
export function withoutGatewayPrefix(url: string): string {
  if (url === '/_api/healthz' || url.startsWith('/_api/healthz?')) return url.slice('/_api'.length);
  return url.startsWith('/api/v1/') ? url.slice('/api'.length) : url;
}

/** A request that Node's parser could not read: answered on the bare socket, then closed. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, body } = problemAnswer(
    new BillingError(PARSER_ERRORS[error.code ?? ''] ?? 'bad_request'),
    randomUUID(),
  );
  const payload = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${body.title}\r\ncontent-type: application/problem+json; charset=utf-8\r\n` +
      `cache-control: no-store\r\nx-request-id: ${body.request_id}\r\n` +
      `content-length: ${Buffer.byteLength(payload)}\r\nconnection: close\r\n\r\n${payload}`,
  );
}
