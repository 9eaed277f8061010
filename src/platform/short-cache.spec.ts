import { Clock } from './clock';
import { ShortCache } from './short-cache';

/** A clock whose monotonic time the test moves. */
class MovedClock extends Clock {
  ms = 0;
  override monotonicMs(): number {
    return this.ms;
  }
}

describe('ShortCache', () => {
  let clock: MovedClock;
  let loads: string[];
  let cache: ShortCache<string>;

  const load = (key: string) => async (): Promise<string> => {
    loads.push(key);
    return `${key} ${loads.length}`;
  };

  beforeEach(() => {
    clock = new MovedClock();
    loads = [];
    cache = new ShortCache(clock, 1000, 3);
  });

  it('asks once for callers of one moment, and again when the time is over', async () => {
    const first = await Promise.all([cache.get('a', load('a')), cache.get('a', load('a'))]);
    clock.ms = 999;
    const still = await cache.get('a', load('a'));
    clock.ms = 1000;
    expect([...first, still, await cache.get('a', load('a'))]).toEqual(['a 1', 'a 1', 'a 1', 'a 2']);
  });

  it('counts the age from before the load: a slow answer is as old as its question', async () => {
    let answer: (value: string) => void = () => undefined;
    const slow = cache.get('a', () => new Promise((resolve) => (answer = resolve)));
    clock.ms = 1500;
    answer('old');
    expect(await slow).toBe('old');
    expect(await cache.get('a', load('a'))).toBe('a 1');
  });

  it('remembers no failure', async () => {
    await expect(cache.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await cache.get('a', load('a'))).toBe('a 1');
  });

  it('forgets what it is told to forget', async () => {
    await cache.get('a', load('a'));
    cache.forget('a');
    expect(await cache.get('a', load('a'))).toBe('a 2');
  });

  it('keeps what is used and lets the least recently used go', async () => {
    for (const key of ['a', 'b', 'c']) await cache.get(key, load(key));
    await cache.get('a', load('a'));
    await cache.get('d', load('d'));
    loads.length = 0;
    for (const key of ['a', 'c', 'd', 'b']) await cache.get(key, load(key));
    expect(loads).toEqual(['b']);
  });
});
