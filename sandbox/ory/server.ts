/** Stand-in for Ory Kratos' `GET /sessions/whoami`, with switches for every session an admin could have. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenLocally, type LocalServer } from '../local-server';
import { BadRequest, onlyFields, readJsonObject, sendError, sendJson } from '../request-body';

export interface OryOptions {
  /** Port on 127.0.0.1; any free one when left out. */
  readonly port?: number;
}

interface Session {
  readonly token: string;
  readonly identity_id: string;
  readonly email: string;
  readonly aal: string;
  readonly authenticated_at: string;
  readonly active: boolean;
  readonly expires_at: string;
}

interface Faults {
  /** Answer every whoami with this status instead of the truth. */
  readonly status?: number;
  /** Wait this long before answering. */
  readonly delay_ms?: number;
}

const SESSION_FIELDS = ['token', 'identity_id', 'email', 'aal', 'authenticated_at', 'active', 'expires_at'];

/**
 * Starts the stand-in. Sessions are known by the cookie `ory_kratos_session` or the header `X-Session-Token`,
 * and exist once `POST /_sandbox/sessions` made them. It judges nothing: an expired, inactive or aal1 session
 * is answered as it is (reliability F-95), because judging is the service's business.
 */
export async function startOry(options: OryOptions = {}): Promise<LocalServer> {
  const sessions = new Map<string, Session>();
  let faults: Faults = {};

  const route = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://ory');
    switch (`${request.method} ${pathname}`) {
      case 'GET /health/ready':
        return sendJson(response, 200, { status: 'ok' });
      case 'GET /sessions/whoami': {
        const { status, delay_ms: delay } = faults;
        if (delay) await sleep(delay);
        if (status) return sendJson(response, status, problem(status, 'A fault of the sandbox.'));
        const session = sessions.get(presentedToken(request));
        if (!session)
          return sendJson(response, 401, problem(401, 'No valid session credentials found in the request.'));
        return sendJson(response, 200, whoami(session));
      }
      case 'POST /_sandbox/sessions': {
        const session = sessionFrom(await readJsonObject(request));
        sessions.set(session.token, session);
        return sendJson(response, 201, session);
      }
      case 'GET /_sandbox/sessions':
        return sendJson(response, 200, { data: [...sessions.values()] });
      case 'DELETE /_sandbox/sessions':
        sessions.clear();
        return void response.writeHead(204).end();
      case 'POST /_sandbox/faults':
        faults = faultsFrom(await readJsonObject(request));
        return sendJson(response, 200, faults);
      default:
        return sendJson(response, 404, problem(404, `Nothing at ${request.method} ${pathname}.`));
    }
  };
  const server = createServer((request, response) => {
    route(request, response).catch((error: unknown) => sendError(response, error));
  });
  return listenLocally(server, options.port);
}

function presentedToken(request: IncomingMessage): string {
  const header = request.headers['x-session-token'];
  if (typeof header === 'string') return header;
  const cookies = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const cookie = cookies.find((pair) => pair.startsWith('ory_kratos_session='));
  return decodeURIComponent(cookie?.slice('ory_kratos_session='.length) ?? '');
}

/** A session from the switches; what is left out is what a careful admin has: fresh, active, second factor. */
function sessionFrom(body: Record<string, unknown>): Session {
  onlyFields(body, SESSION_FIELDS);
  const { token, active = true } = body;
  if (typeof token !== 'string' || token === '') throw new BadRequest('token is missing.');
  if (typeof active !== 'boolean') throw new BadRequest('active must be true or false.');
  const now = Date.now();
  return {
    token,
    identity_id: text(body, 'identity_id', '00000000-0000-4000-8000-000000000001'),
    email: text(body, 'email', 'operator@example.com'),
    aal: text(body, 'aal', 'aal2'),
    authenticated_at: text(body, 'authenticated_at', new Date(now).toISOString()),
    active,
    expires_at: text(body, 'expires_at', new Date(now + 24 * 3600 * 1000).toISOString()),
  };
}

function faultsFrom(body: Record<string, unknown>): Faults {
  onlyFields(body, ['status', 'delay_ms']);
  const { status, delay_ms } = body;
  if (status !== undefined && !isWhole(status, 400, 599)) throw new BadRequest('status must be 400 to 599.');
  if (delay_ms !== undefined && !isWhole(delay_ms, 0, 600_000))
    throw new BadRequest('delay_ms must be 0 to 600000.');
  return body as Faults;
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function text(body: Record<string, unknown>, name: string, fallback: string): string {
  const value = body[name] ?? fallback;
  if (typeof value !== 'string') throw new BadRequest(`${name} must be text.`);
  return value;
}

/** The session as Kratos spells it (ory.sh/docs/kratos/reference/api, schema `session`). */
function whoami(session: Session): Record<string, unknown> {
  const methods = [{ method: 'password', aal: 'aal1', completed_at: session.authenticated_at }];
  if (session.aal === 'aal2')
    methods.push({ method: 'totp', aal: 'aal2', completed_at: session.authenticated_at });
  return {
    id: session.identity_id.replace(/^.{8}/, 'ffffffff'),
    active: session.active,
    expires_at: session.expires_at,
    authenticated_at: session.authenticated_at,
    issued_at: session.authenticated_at,
    authenticator_assurance_level: session.aal,
    authentication_methods: methods,
    identity: {
      id: session.identity_id,
      schema_id: 'default',
      state: 'active',
      traits: { email: session.email },
      verifiable_addresses: [{ value: session.email, verified: true, via: 'email', status: 'completed' }],
    },
  };
}

function problem(code: number, message: string): Record<string, unknown> {
  return { error: { code, status: String(code), message } };
}
