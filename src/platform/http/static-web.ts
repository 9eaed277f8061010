import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BillingError } from '../../contracts/errors';

/** Paths that are pages of the one web application; it routes inside the browser. */
const PAGES = ['/', '/pricing', '/checkout/return', '/checkout/canceled'];

/** Scripts and styles only from ourselves; no frames around our pages (the checkout itself is Stripe's). */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ');

const PUBLIC = { access: { kind: 'public' as const } };

/** Serves the built pages of web/dist, when they were built, beside the API and never instead of it. */
export async function serveWeb(fastify: FastifyInstance): Promise<void> {
  const root = join(__dirname, '..', '..', '..', '..', 'web', 'dist');
  const folder = existsSync(root) ? root : join(__dirname, '..', '..', '..', 'web', 'dist');
  if (!existsSync(join(folder, 'index.html'))) return;
  // Served by hand below, so that each route says who may call it.
  await fastify.register(fastifyStatic, { root: folder, serve: false });
  const page = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply
      .header('cache-control', 'no-cache')
      .header('content-security-policy', CONTENT_SECURITY_POLICY)
      .header('referrer-policy', 'same-origin')
      .sendFile('index.html', { cacheControl: false });
  for (const path of PAGES) fastify.get(path, { config: PUBLIC }, page);
  fastify.get('/assets/*', { config: PUBLIC }, (request, reply) => {
    const name = (request.params as { '*': string })['*'];
    // One plain file name; what tries to climb is nowhere, not forbidden.
    if (!/^\w[\w.-]*$/.test(name)) throw new BillingError('not_found');
    // Names carry a hash of their content.
    return reply.sendFile(`assets/${name}`, { maxAge: '365d', immutable: true });
  });
  fastify.get('/favicon.svg', { config: PUBLIC }, (_request, reply) => reply.sendFile('favicon.svg'));
}
