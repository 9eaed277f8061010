import type { FastifyReply, FastifyRequest } from 'fastify';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const REQUEST_HEADERS = 'authorization, x-api-key, tenant-id, content-type, idempotency-key, if-none-match';
const EXPOSED_HEADERS = 'x-request-id, x-tenant-status, idempotency-replayed, retry-after, etag, allow';
/** Seconds for which a browser need not ask again. */
const MAX_AGE = '600';

/**
 * Lets browsers of the listed origins call the API. Before everything that may refuse, so that a page can
 * read refusals too; never with credentials of the browser's own, because there are no cookies here.
 * @returns true when the request was a browser's question beforehand, which is answered now
 */
export function answerCors(
  origins: ReadonlySet<string>,
  request: FastifyRequest,
  reply: FastifyReply,
): boolean {
  if (origins.size === 0) return false;
  void reply.header('vary', 'Origin');
  const { origin } = request.headers;
  if (origin === undefined || !origins.has(origin)) return false;
  void reply.header('access-control-allow-origin', origin);
  const isPreflight =
    request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
  if (!isPreflight) {
    void reply.header('access-control-expose-headers', EXPOSED_HEADERS);
    return false;
  }
  void reply
    .status(204)
    .header('access-control-allow-methods', METHODS)
    .header('access-control-allow-headers', REQUEST_HEADERS)
    .header('access-control-max-age', MAX_AGE)
    .send();
  return true;
}
