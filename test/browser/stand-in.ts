import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve } from 'node:path';

/**
 * The built pages with scripted answers behind them: for states the real service shows only when something is
 * broken, late or refused. The journeys through the real service are in `journey.test.ts`.
 */

const DIST = resolve(__dirname, '..', '..', 'web', 'dist');

/** The policy the service sends with every page; a page that breaks it logs an error, and the tests see it. */
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** A request the pages sent to the API. */
export interface SeenRequest {
  method: string;
  path: string;
  /** The bearer key, or null. */
  key: string | null;
  idempotencyKey: string | null;
  body: unknown;
}

/** What the API says: a status with a body, or the connection cut off without a word. */
export type Answer = Spoken | 'cut';

/** A status and a body, at once or after a while. */
interface Spoken {
  status: number;
  body: unknown;
  delayMs?: number;
}

/** Answers by `METHOD /path` (without query). A function sees the request and how often it was asked before. */
export type Script = Record<string, Answer | ((request: SeenRequest, before: number) => Answer)>;

/** The running stand-in. */
export interface StandIn {
  url: string;
  requests: SeenRequest[];
  /** The requests to one route, as `METHOD /path`. */
  sent(route: string): SeenRequest[];
  close(): Promise<void>;
}

/** Serves the built pages, with `script` as the API, on a free port. */
export async function startStandIn(script: Script): Promise<StandIn> {
  if (!existsSync(join(DIST, 'index.html')))
    throw new Error('web/dist is missing: npm run build --workspace web');
  const requests: SeenRequest[] = [];
  const sent = (route: string) => requests.filter(({ method, path }) => `${method} ${path}` === route);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (!pathname.startsWith('/v1/')) return servePage(pathname, response);
    void read(request, pathname).then((seen) => {
      const route = `${seen.method} ${seen.path}`;
      const before = sent(route).length;
      requests.push(seen);
      const scripted = script[route] ?? problem(404, 'not_found');
      answer(typeof scripted === 'function' ? scripted(seen, before) : scripted, response);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    sent,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

/** A success. */
export function ok(body: unknown, status = 200): Spoken {
  return { status, body };
}

/** A refusal, in the service's error format. */
export function problem(status: number, code: string, detail = 'As the test wants it.'): Spoken {
  return {
    status,
    body: { type: 'about:blank', title: code, status, detail, code, request_id: 'req_of_the_test' },
  };
}

function servePage(pathname: string, response: ServerResponse): void {
  if (pathname === '/paid-here')
    return void response.setHeader('content-type', 'text/html').end('<h1>Pay here</h1>');
  const isFile = extname(pathname) !== '' && existsSync(join(DIST, pathname));
  const file = join(DIST, isFile ? pathname : 'index.html');
  response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
  response.setHeader('content-security-policy', POLICY);
  response.end(readFileSync(file));
}

async function read(request: IncomingMessage, path: string): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const idempotencyKey = request.headers['idempotency-key'];
  return {
    method: request.method ?? 'GET',
    path,
    key: request.headers.authorization?.replace(/^Bearer /, '') ?? null,
    idempotencyKey: typeof idempotencyKey === 'string' ? idempotencyKey : null,
    body: text === '' ? null : (JSON.parse(text) as unknown),
  };
}

function answer(given: Answer, response: ServerResponse): void {
  if (given === 'cut') return void response.socket?.destroy();
  setTimeout(() => {
    const type = given.status >= 400 ? 'application/problem+json' : 'application/json';
    response.writeHead(given.status, { 'content-type': type }).end(JSON.stringify(given.body));
  }, given.delayMs ?? 0);
}
