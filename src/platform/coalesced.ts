import { AsyncResource } from 'node:async_hooks';

/** One question waiting for the next round. */
interface Waiting<Key, Value> {
  readonly key: Key;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Collects the questions of one turn of the event loop and asks them together: under load a hundred requests
 * become one query. At most `mostAtOnce` rounds are under way; further questions wait for a free one.
 */
export class Coalesced<Key, Value> {
  private waiting: Waiting<Key, Value>[] = [];
  private running = 0;
  private scheduled = false;
  /** A round serves many requests and must run in the context of none of them. */
  private readonly context = new AsyncResource('Coalesced');

  /** @param ask answers in the order of the keys, which may repeat */
  constructor(
    private readonly ask: (keys: readonly Key[]) => Promise<readonly Value[]>,
    private readonly mostKeys = 1000,
    private readonly mostAtOnce = 2,
  ) {}

  /** @throws what `ask` threw for the round */
  get(key: Key): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      this.waiting.push({ key, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled || this.running >= this.mostAtOnce || this.waiting.length === 0) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.context.runInAsyncScope(() => void this.round());
    });
  }

  private async round(): Promise<void> {
    const round = this.waiting.splice(0, this.mostKeys);
    this.running += 1;
    this.schedule();
    try {
      const values = await this.ask(round.map(({ key }) => key));
      round.forEach(({ resolve }, index) => resolve(values[index]!));
    } catch (error) {
      for (const { reject } of round) reject(error);
    } finally {
      this.running -= 1;
      this.schedule();
    }
  }
}
