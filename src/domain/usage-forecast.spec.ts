import fc from 'fast-check';
import { forecastUsage, type ForecastFacts } from './usage-forecast';

const at = (text: string): Date => new Date(text);
const facts = (changes: Partial<ForecastFacts>): ForecastFacts => ({
  used: 100,
  kind: 'flow',
  period: { start: at('2026-11-01T00:00:00Z'), end: at('2026-12-01T00:00:00Z') },
  now: at('2026-11-11T00:00:00Z'),
  recently: null,
  before: null,
  ...changes,
});

it('goes on at the pace of the period', () => {
  expect(forecastUsage(facts({}))).toEqual({ method: 'pace', value: 300, low: 300, high: 300 });
});

it('reaches from the slowest to the fastest guess', () => {
  const slower = { at: at('2026-11-06T00:00:00Z'), used: 80 };
  expect(forecastUsage(facts({ recently: slower }))).toMatchObject({ value: 300, low: 180, high: 300 });
  expect(forecastUsage(facts({ recently: slower, before: 500 }))).toMatchObject({ low: 180, high: 500 });
});

it('of a gauge is what it is', () => {
  const gauge = facts({ kind: 'gauge', used: 7, before: 50 });
  expect(forecastUsage(gauge)).toEqual({ method: 'level', value: 7, low: 7, high: 7 });
});

it('never takes back what was used, and has its value within its range', () => {
  const amount = fc.integer({ min: 0, max: 1_000_000 });
  fc.assert(
    fc.property(amount, amount, amount, fc.integer({ min: 0, max: 29 }), (used, recent, before, day) => {
      const now = at(`2026-11-${String(day + 1).padStart(2, '0')}T00:00:00Z`);
      const recently = { at: at('2026-10-31T00:00:00Z'), used: recent };
      const { value, low, high } = forecastUsage(facts({ used, now, recently, before }));
      expect(low).toBeGreaterThanOrEqual(used);
      expect([low <= value, value <= high]).toEqual([true, true]);
    }),
  );
});
