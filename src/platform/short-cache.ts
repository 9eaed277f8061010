import { Clock } from './clock';

interface Entry<Value> {
  value: Promise<Value>;
  loadedAt: number;
}

/**
 * Remembers answers of the database in this process for about a second: long enough to carry a burst of
 * requests, short enough that a revoked key or a suspended tenant is noticed everywhere in time (C.10, C.11).
 * Bounded, the least recently used goes first; callers that ask at the same moment share one query.
 */
export class ShortCache<Value> {
  private readonly entries = new Map<string, Entry<Value>>();

  constructor(
    private readonly clock: Clock,
    private readonly forMs: number,
    private readonly mostEntries: number,
  ) {}

  /** The remembered answer, or the one of `load`. A failed load is not remembered. */
  get(key: string, load: () => Promise<Value>): Promise<Value> {
    const now = this.clock.monotonicMs();
    const known = this.entries.get(key);
    this.entries.delete(key);
    // Age counts from before the load, when the answer was certainly still true.
    const entry = known && now - known.loadedAt < this.forMs ? known : { value: load(), loadedAt: now };
    this.entries.set(key, entry);
    if (entry !== known) entry.value.catch(() => this.forgetEntry(key, entry));
    if (this.entries.size > this.mostEntries) this.entries.delete(this.entries.keys().next().value!);
    return entry.value;
  }

  /** Makes the next `get` load again, in this process. */
  forget(key: string): void {
    this.entries.delete(key);
  }

  /** Makes every next `get` load again, in this process. */
  clear(): void {
    this.entries.clear();
  }

  private forgetEntry(key: string, entry: Entry<Value>): void {
    if (this.entries.get(key) === entry) this.entries.delete(key);
  }
}
