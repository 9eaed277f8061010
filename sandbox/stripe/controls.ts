import type { StripeSandbox } from './sandbox';
import { readFaults } from './faults';

/** An answer of the controls: always JSON. */
export interface ControlAnswer {
  status: number;
  body: unknown;
}

type Control = (
  sandbox: StripeSandbox,
  found: string[],
  body: unknown,
  query: URLSearchParams,
) => Promise<unknown> | unknown;

class ControlError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly details: object = {},
  ) {
    super(message);
  }
}

/** The sandbox's own address space, for tests, benches and people. Never reached by the official SDK. */
const CONTROLS: [method: string, pattern: RegExp, control: Control][] = [
  ['GET', /^\/health$/, (sandbox) => ({ status: 'ok', now: sandbox.now().toISOString() })],
  ['POST', /^\/reset$/, (sandbox) => (sandbox.reset(), { reset: true })],
  ['GET', /^\/faults$/, (sandbox) => sandbox.faults()],
  ['POST', /^\/faults$/, (sandbox, _found, body) => (sandbox.setFaults(readFaults(body)), sandbox.faults())],
  ['GET', /^\/deliveries$/, (sandbox) => ({ data: sandbox.deliveries() })],
  [
    'POST',
    /^\/deliveries\/([^/]+)\/resend$/,
    async (sandbox, [event = '']) => {
      await sandbox.resend(event);
      return { data: sandbox.deliveries().filter((delivery) => delivery.event_id === event) };
    },
  ],
  [
    'POST',
    /^\/deliveries\/idle$/,
    async (sandbox) => {
      await sandbox.deliveriesIdle();
      return { idle: true };
    },
  ],
  ['GET', /^\/requests$/, (sandbox, _found, _body, query) => ({ data: sandbox.requests(sinceOf(query)) })],
  ['GET', /^\/objects\/([^/]+)$/, (sandbox, [type = '']) => ({ data: sandbox.objects(type) })],
  [
    'GET',
    /^\/objects\/([^/]+)\/([^/]+)$/,
    (sandbox, [type = '', id = '']) => {
      const object = sandbox.object(type, id);
      if (object === undefined) throw new ControlError(404, `No ${type} with the id ${id}.`);
      return object;
    },
  ],
  [
    'POST',
    /^\/checkout\/sessions\/([^/]+)\/complete$/,
    async (sandbox, [id = ''], body) => {
      const outcome = (body as { outcome?: unknown } | null)?.outcome ?? 'success';
      if (outcome !== 'success' && outcome !== 'decline' && outcome !== 'requires_action') {
        throw new ControlError(400, 'outcome is success, decline or requires_action.');
      }
      const result = await sandbox.completeCheckout(id, outcome);
      if (result.error)
        throw new ControlError(402, result.error.message, { type: 'card_error', ...result.error });
      return result;
    },
  ],
  [
    'POST',
    /^\/payment_methods\/([^/]+)\/fail_next$/,
    (sandbox, [id = ''], body) => {
      const { times = 1, code = 'generic_decline' } = (body ?? {}) as { times?: unknown; code?: unknown };
      if (!Number.isInteger(times) || (times as number) < 0 || (times as number) > 1000) {
        throw new ControlError(400, 'times is a whole number from 0 to 1000.');
      }
      if (typeof code !== 'string' || !/^[a-z_]{1,60}$/.test(code)) {
        throw new ControlError(400, 'code is a decline code, e.g. insufficient_funds.');
      }
      return sandbox.failNext(id, times as number, code);
    },
  ],
  [
    'POST',
    /^\/payment_intents\/([^/]+)\/authenticate$/,
    (sandbox, [id = ''], body) => {
      const result = (body as { result?: unknown } | null)?.result ?? 'success';
      if (result !== 'success' && result !== 'failure')
        throw new ControlError(400, 'result is success or failure.');
      return sandbox.authenticatePayment(id, result === 'success');
    },
  ],
  [
    'POST',
    /^\/clock\/advance$/,
    (sandbox, _found, body) => {
      const ms = (body as { ms?: unknown } | null)?.ms;
      if (!Number.isSafeInteger(ms) || (ms as number) < 0)
        throw new ControlError(400, 'ms is a whole number of milliseconds.');
      sandbox.advance(ms as number);
      return { now: sandbox.now().toISOString() };
    },
  ],
  ['GET', /^\/clock$/, (sandbox) => sandbox.clockState()],
  ['POST', /^\/clock$/, (sandbox, _found, body) => moveClock(sandbox, body)],
  ['GET', /^\/settings$/, (sandbox) => sandbox.settings()],
  ['POST', /^\/settings$/, (sandbox, _found, body) => sandbox.changeSettings(body)],
];

/** `{ advance_ms }` or `{ to }` (Unix seconds), forward only. */
function moveClock(sandbox: StripeSandbox, body: unknown): object {
  const { advance_ms: ms, to } = (body ?? {}) as { advance_ms?: unknown; to?: unknown };
  if ((ms === undefined) === (to === undefined))
    throw new ControlError(400, 'Give advance_ms (milliseconds) or to (Unix seconds).');
  const by = to === undefined ? ms : (to as number) * 1000 - sandbox.now().getTime();
  if (!Number.isSafeInteger(ms ?? to)) throw new ControlError(400, 'advance_ms and to are whole numbers.');
  const fired = sandbox.advance(by as number);
  return { now: sandbox.clockState().now, fired };
}

/** Answers one control request. `path` is what follows `/_sandbox`. */
export async function control(
  sandbox: StripeSandbox,
  method: string,
  path: string,
  query: URLSearchParams,
  text: string,
): Promise<ControlAnswer> {
  const there = CONTROLS.filter(([, pattern]) => pattern.test(path));
  const entry = there.find(([known]) => known === method);
  if (!entry) return problem(there.length > 0 ? 405 : 404, `There is no ${method} /_sandbox${path}.`);
  try {
    const body: unknown = text === '' ? null : JSON.parse(text);
    const found = (entry[1].exec(path) ?? []).slice(1).map(decodeURIComponent);
    return { status: 200, body: await entry[2](sandbox, found, body, query) };
  } catch (error) {
    if (error instanceof ControlError) return problem(error.status, error.message, error.details);
    if (error instanceof SyntaxError || error instanceof RangeError) return problem(400, error.message);
    if (isAnswer(error)) return { status: error.status, body: { error: error.body } };
    throw error;
  }
}

function isAnswer(error: unknown): error is { status: number; body: object } {
  return error instanceof Error && 'status' in error && 'body' in error;
}

function problem(status: number, message: string, details: object = {}): ControlAnswer {
  return { status, body: { error: { message, ...details } } };
}

function sinceOf(query: URLSearchParams): Date | undefined {
  const text = query.get('since');
  if (text === null) return undefined;
  const since = /^\d+$/.test(text) ? new Date(Number(text)) : new Date(text);
  if (Number.isNaN(since.getTime()))
    throw new ControlError(400, 'since is an ISO time or Unix milliseconds.');
  return since;
}
