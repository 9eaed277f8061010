import { Clock } from './clock';
import { ShortCache } from './short-cache';

class StoppedClock extends Clock {
  ms = 0;
  override monotonicMs(): number {
    return this.ms;
  }
}

describe('a short cache', () => {
  const make = (most = 10): { clock: StoppedClock; cache: ShortCache<number>; load: jest.Mock } => {
    const clock = new StoppedClock();
    let loaded = 0;
    return { clock, cache: new ShortCache<number>(clock, 1000, most), load: jest.fn(async () => ++loaded) };
  };

  it('asks once in its time, and again after it', async () => {
    const { clock, cache, load } = make();
    expect(await cache.get('a', load)).toBe(1);
    clock.ms = 999;
    expect(await cache.get('a', load)).toBe(1);
    clock.ms = 1000;
    expect(await cache.get('a', load)).toBe(2);
  });

  it('lets those who ask at one moment share one question', async () => {
    const { cache, load } = make();
    await Promise.all(Array.from({ length: 50 }, () => cache.get('a', load)));
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('does not grow older by being read', async () => {
    const { clock, cache, load } = make();
    for (; clock.ms <= 1500; clock.ms += 100) await cache.get('a', load);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it('forgets what it is told to, and failures at once', async () => {
    const { cache, load } = make();
    await cache.get('a', load);
    cache.forget('a');
    expect(await cache.get('a', load)).toBe(2);
    await expect(cache.get('b', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await cache.get('b', load)).toBe(3);
  });

  it('keeps the entries that were used last when it is full', async () => {
    const { cache, load } = make(2);
    await cache.get('a', load);
    await cache.get('b', load);
    await cache.get('a', load);
    await cache.get('c', load);
    expect(await cache.get('a', load)).toBe(1);
    expect(await cache.get('b', load)).toBe(4);
  });
});
