import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Answered } from '../support/api';
import { seeded } from '../support/random';

/**
 * How one attempt ended. `ambiguous`: the request was sent whole and no whole answer came back, so the service may
 * have done it or not. `unavailable`: it said 503 or 429. `failed`: it said another 5xx, which it never should (I13).
 */
export type Outcome = 'answered' | 'not_sent' | 'ambiguous' | 'unavailable' | 'failed';

export interface Attempt {
  outcome: Outcome;
  status: number | null;
  /** Which replica, by its place in the list. */
  replica: number;
}

/** What became of a request after as many attempts as it took. */
export interface Settled {
  status: number;
  body: Answered;
  headers: Record<string, string | string[] | undefined>;
  attempts: Attempt[];
  /** Milliseconds from the first attempt to the definite answer. */
  ms: number;
}

export interface Call {
  method: string;
  path: string;
  key: string;
  body?: unknown;
  tenantId?: string;
  /** Makes a POST without an id of its own repeatable. */
  idempotencyKey?: string;
  /** The replica of the first attempt; any when left out. */
  replica?: number;
}

export interface FaultClientOptions {
  seed?: number;
  /** How long an attempt may take. */
  timeoutMs?: number;
  /** At once to one replica. */
  connections?: number;
}

interface RawAnswer {
  status: number;
  text: string;
  headers: Record<string, string | string[] | undefined>;
}

/** Answers that are no answer: ask again. */
const TRY_AGAIN = new Set([408, 425, 429, 503]);
const GIVE_UP_MS = 120_000;

/**
 * A client as it should be: it has an id for everything it asks, spreads over the replicas and asks again, the same
 * thing, until it knows. It counts how often it did not know.
 */
export class FaultClient {
  readonly counts: Record<Outcome, number> = {
    answered: 0,
    not_sent: 0,
    ambiguous: 0,
    unavailable: 0,
    failed: 0,
  };
  /** Definite answers by status. */
  readonly statuses = new Map<number, number>();
  /** Milliseconds to each definite answer, retries included. */
  readonly latencies: number[] = [];
  /** Bodies of answers with 5xx other than 503: the first few. */
  readonly failures: string[] = [];
  /** 503 without a Retry-After header. */
  unavailableWithoutRetryAfter = 0;
  private readonly agents: Agent[];
  private readonly random: () => number;
  private readonly timeoutMs: number;
  private next = 0;

  constructor(
    private readonly ports: readonly number[],
    options: FaultClientOptions = {},
  ) {
    this.random = seeded(options.seed ?? 1);
    this.timeoutMs = options.timeoutMs ?? 10_000;
    this.agents = ports.map(() => new Agent({ keepAlive: true, maxSockets: options.connections ?? 256 }));
  }

  /**
   * Asks until there is a definite answer: 2xx, or a 4xx that says no.
   * @throws Error after two minutes without one
   */
  async settle(call: Call): Promise<Settled> {
    const begun = performance.now();
    const attempts: Attempt[] = [];
    let replica = call.replica ?? this.next++ % this.ports.length;
    for (;;) {
      const { attempt, answer } = await this.attempt(call, replica);
      attempts.push(attempt);
      if (attempt.outcome === 'answered') {
        const ms = performance.now() - begun;
        this.latencies.push(ms);
        this.statuses.set(answer!.status, (this.statuses.get(answer!.status) ?? 0) + 1);
        return { status: answer!.status, body: bodyOf(answer!), headers: answer!.headers, attempts, ms };
      }
      if (performance.now() - begun > GIVE_UP_MS)
        throw new Error(
          `no definite answer to ${call.method} ${call.path}: ${JSON.stringify(attempts.slice(-5))}`,
        );
      replica = (replica + 1) % this.ports.length;
      if (attempt.outcome !== 'ambiguous') await pause(20 + this.random() * 80);
    }
  }

  /** One attempt at one replica. */
  async attempt(call: Call, replica: number): Promise<{ attempt: Attempt; answer: RawAnswer | null }> {
    const result = await this.exchange(call, replica);
    const outcome = typeof result === 'string' ? result : outcomeOf(result);
    const answer = typeof result === 'string' ? null : result;
    this.counts[outcome]++;
    if (outcome === 'failed' && this.failures.length < 10) this.failures.push(answer!.text.slice(0, 500));
    if (answer?.status === 503 && answer.headers['retry-after'] === undefined)
      this.unavailableWithoutRetryAfter++;
    return { attempt: { outcome, status: answer?.status ?? null, replica }, answer };
  }

  close(): void {
    for (const agent of this.agents) agent.destroy();
  }

  private exchange(call: Call, replica: number): Promise<RawAnswer | 'not_sent' | 'ambiguous'> {
    const payload = call.body === undefined ? '' : JSON.stringify(call.body);
    return new Promise((resolve) => {
      let isSent = false;
      const request = httpRequest({
        agent: this.agents[replica],
        host: '127.0.0.1',
        port: this.ports[replica],
        method: call.method,
        path: call.path,
        headers: {
          authorization: `Bearer ${call.key}`,
          ...(call.tenantId ? { 'tenant-id': call.tenantId } : {}),
          ...(call.idempotencyKey ? { 'idempotency-key': call.idempotencyKey } : {}),
          ...(payload
            ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
            : {}),
        },
      });
      const lost = (): void => resolve(isSent ? 'ambiguous' : 'not_sent');
      request.once('finish', () => (isSent = true));
      request.once('error', lost);
      request.setTimeout(this.timeoutMs, () => request.destroy());
      request.once('response', (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.once('error', lost);
        response.once('close', () => {
          if (!response.complete) return lost();
          resolve({
            status: response.statusCode!,
            text: Buffer.concat(pieces).toString(),
            headers: response.headers,
          });
        });
      });
      request.end(payload);
    });
  }
}

function outcomeOf(answer: RawAnswer): Outcome {
  // A first attempt of ours still runs: 409 says when to ask again.
  const isInProgress = answer.status === 409 && answer.headers['retry-after'] !== undefined;
  if (TRY_AGAIN.has(answer.status) || isInProgress) return 'unavailable';
  return answer.status >= 500 ? 'failed' : 'answered';
}

function bodyOf(answer: RawAnswer): Answered {
  return answer.text === '' ? undefined : JSON.parse(answer.text);
}
