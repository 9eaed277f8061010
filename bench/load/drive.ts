/** The load generator: connections that ask again as soon as they are answered. */
import { setTimeout as pause } from 'node:timers/promises';
import { Latencies } from '../measure/latencies';
import { type Answer, LoadConnection } from './connection';

/** Longer without any answer is a fault, not slowness. */
const SILENCE_MS = 30_000;

/** What is asked, and what must come back. One object for each round. */
export interface Traffic {
  /** The connection's next request. Called only when its last one was answered. */
  next(connection: number): Buffer;
  /** How many units (events, checks) the answer brought, or -1 when it is not the one wanted. */
  units(connection: number, answer: Answer): number;
}

export interface Load {
  /** One port for each connection; the same port again and again for one process. */
  readonly ports: readonly number[];
  readonly seconds: number;
}

/** What a round brought. */
export interface Driven {
  /** Units answered within the time, per second. */
  readonly perSecond: number;
  /** All units answered, with those that were still under way when the time was over. */
  readonly units: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** An answer that was not the one wanted: the round says nothing. */
export class WrongAnswer extends Error {}

/**
 * Drives `load.ports.length` connections for `load.seconds`, then waits for the answers under way.
 * @throws WrongAnswer with the first answer that was not wanted, Error when a connection broke
 */
export async function drive(load: Load, traffic: Traffic): Promise<Driven> {
  const run = new Run(load, traffic);
  return run.finish();
}

class Run {
  private readonly latencies = new Latencies();
  private readonly sentAt: Float64Array;
  private readonly connections: LoadConnection[] = [];
  private units = 0;
  private unitsInTime = 0;
  private underWay = 0;
  private lastAnswerAt = 0;
  private endsAt = 0;
  private settle: (reason?: Error) => void = () => undefined;

  constructor(
    private readonly load: Load,
    private readonly traffic: Traffic,
  ) {
    this.sentAt = new Float64Array(load.ports.length);
  }

  async finish(): Promise<Driven> {
    const { ports, seconds } = this.load;
    const answered = new Promise<void>((resolve, reject) => {
      this.settle = (reason) => (reason ? reject(reason) : resolve());
    });
    // Handled below; a connection may already break while the others are being opened.
    answered.catch(() => undefined);
    const watch = new AbortController();
    try {
      for (const [index, port] of ports.entries()) this.connections.push(await this.open(index, port));
      const startedAt = performance.now();
      this.endsAt = startedAt + seconds * 1000;
      this.lastAnswerAt = startedAt;
      for (let index = 0; index < ports.length; index += 1) this.ask(index, startedAt);
      await Promise.race([answered, this.failOnSilence(watch.signal)]);
    } finally {
      watch.abort();
      for (const connection of this.connections) connection.close();
    }
    return {
      perSecond: this.unitsInTime / seconds,
      units: this.units,
      p50Ms: this.latencies.percentile(0.5),
      p99Ms: this.latencies.percentile(0.99),
    };
  }

  private open(index: number, port: number): Promise<LoadConnection> {
    return LoadConnection.open(
      port,
      (answer) => this.take(index, answer),
      (reason) => this.settle(reason),
    );
  }

  private ask(index: number, now: number): void {
    this.underWay += 1;
    this.sentAt[index] = now;
    this.connections[index]!.send(this.traffic.next(index));
  }

  private take(index: number, answer: Answer): void {
    const now = performance.now();
    const units = this.traffic.units(index, answer);
    if (units < 0) {
      this.settle(
        new WrongAnswer(`${answer.status} ${answer.bytes.toString('utf8', answer.bodyAt).slice(0, 600)}`),
      );
      return;
    }
    this.underWay -= 1;
    this.units += units;
    this.lastAnswerAt = now;
    if (now < this.endsAt) {
      this.unitsInTime += units;
      this.latencies.add(now - this.sentAt[index]!);
      this.ask(index, now);
    } else if (this.underWay === 0) this.settle();
  }

  private async failOnSilence(signal: AbortSignal): Promise<never> {
    for (;;) {
      await pause(500, undefined, { signal });
      if (performance.now() - this.lastAnswerAt > SILENCE_MS)
        throw new Error(`no answer for ${SILENCE_MS / 1000} s, ${this.underWay} requests under way`);
    }
  }
}
