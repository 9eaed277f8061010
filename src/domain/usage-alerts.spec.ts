import fc from 'fast-check';
import { defaultLevels, isReached, levelsOf, severityOf, watchedPercents } from './usage-alerts';

describe('the levels of a metric', () => {
  it('are the defaults where the tenant chose none', () => {
    expect(levelsOf([], 'seats', 80)).toEqual([
      { percent: 50, channels: ['in_app'] },
      { percent: 80, channels: ['email', 'in_app'] },
      { percent: 95, channels: ['email', 'in_app'] },
      { percent: 100, channels: ['email', 'in_app'] },
    ]);
  });

  it('are its own before those for all', () => {
    const all = { metric: '*', levels: [{ percent: 70, channels: ['email' as const] }] };
    const own = {
      metric: 'seats',
      levels: [
        { percent: 90, channels: [] },
        { percent: 10, channels: [] },
      ],
    };
    expect(levelsOf([all, own], 'seats', 80).map(({ percent }) => percent)).toEqual([10, 90]);
    expect(levelsOf([all, own], 'campaigns', 80)).toEqual(all.levels);
  });

  it('are one where the configured warning falls on another', () => {
    expect(defaultLevels(50)).toEqual([
      { percent: 50, channels: ['email', 'in_app'] },
      { percent: 95, channels: ['email', 'in_app'] },
      { percent: 100, channels: ['email', 'in_app'] },
    ]);
  });

  it('are watched with the limit itself, once', () => {
    expect(watchedPercents([{ percent: 120, channels: [] }])).toEqual([100, 120]);
    expect(watchedPercents(defaultLevels(80))).toEqual([50, 80, 95, 100]);
  });
});

describe('a level is reached', () => {
  it.each<[string, number, number, boolean]>([
    ['7', 10, 80, false],
    ['8', 10, 80, true],
    ['1', 3, 33, true],
    ['1', 3, 34, false],
    ['0.4', 1, 50, false],
    ['0.50', 1, 50, true],
    ['9007199254740992', Number.MAX_SAFE_INTEGER, 100, true],
    ['9007199254740990', Number.MAX_SAFE_INTEGER, 100, false],
    ['99999999999999999999999999999999999999', 1, 1000, true],
  ])('%s of %d at %d %%: %s', (used, limit, percent, reached) => {
    expect(isReached(used, limit, percent)).toBe(reached);
  });

  it('exactly when no whole unit less would do', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 1, max: 1000 }),
        (limit, percent) => {
          const least = Math.ceil((limit * percent) / 100);
          expect(isReached(String(least), limit, percent)).toBe(true);
          if (least > 0) expect(isReached(String(least - 1), limit, percent)).toBe(false);
        },
      ),
    );
  });
});

it.each([
  [1, 'info'],
  [79, 'info'],
  [80, 'warning'],
  [95, 'urgent'],
  [100, 'limit'],
  [110, 'limit'],
])('%d %% is %s', (percent, severity) => {
  expect(severityOf(percent, 80)).toBe(severity);
});
