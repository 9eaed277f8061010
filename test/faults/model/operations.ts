import fc from 'fast-check';
import { LIMITABLE, METERS } from './meters';

/** When an event says that it happened. */
export type When =
  | 'unsaid'
  | 'a_minute_ago'
  | 'ten_days_ago'
  | 'last_of_previous_month'
  | 'first_of_this_month'
  | 'first_of_next_month'
  | 'almost_too_old'
  | 'too_old'
  | 'almost_too_early'
  | 'too_early';

export interface Draft {
  metric: string;
  quantity: number | string;
  subject: string | null;
  when: When;
}

/** One step of a history. Those that point at earlier things do so by a number that is taken modulo. */
export type Operation =
  | { do: 'record'; event: Draft }
  | { do: 'batch'; events: (Draft | { again: number; change: Change })[] }
  | { do: 'repeat'; which: number; change: Change }
  | { do: 'increment'; metric: string; count: number }
  | { do: 'decrement'; metric: string; count: number }
  | { do: 'reserve'; metric: string; quantity: number; ttlMinutes: number }
  | { do: 'commit'; which: number; part: 'all' | 'unsaid' | 'some' | 'more' }
  | { do: 'release'; which: number }
  | { do: 'correct'; which: number; unknown: boolean }
  | { do: 'override'; metric: string; limit: number | null; forMinutes: number | null }
  | { do: 'remove_override'; metric: string }
  | { do: 'plan_limit'; metric: string; limit: number | null }
  | { do: 'time'; to: 'a_minute_on' | 'an_hour_on' | 'two_days_on' | 'just_before_month_end' | 'month_end' }
  | { do: 'job'; name: 'expiry' | 'close' | 'audit' | 'rollup' }
  | { do: 'flush' };

export type Change = 'nothing' | 'quantity' | 'subject' | 'metric' | 'timestamp';

const anyMetric = fc.constantFrom(...METERS.map(({ key }) => key));
const limitedMetric = fc.constantFrom(...LIMITABLE.map(({ key }) => key));
const additive = fc.constantFrom(
  ...METERS.filter(({ aggregation }) => aggregation === 'sum' || aggregation === 'count').map(
    ({ key }) => key,
  ),
);
const quantity = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 7 }) },
  { weight: 1, arbitrary: fc.constantFrom<number | string>('2', '0.125', '1.50', '0.001', 1e3) },
);
const when = fc.oneof(
  { weight: 4, arbitrary: fc.constant<When>('unsaid') },
  {
    weight: 3,
    arbitrary: fc.constantFrom<When>(
      'a_minute_ago',
      'ten_days_ago',
      'last_of_previous_month',
      'first_of_this_month',
      'first_of_next_month',
      'almost_too_old',
      'too_old',
      'almost_too_early',
      'too_early',
    ),
  },
);
const draft: fc.Arbitrary<Draft> = fc.record({
  metric: anyMetric,
  quantity,
  subject: fc.constantFrom('a', 'b', 'c', 'd', null),
  when,
});
const which = fc.nat(20);
const change = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Change>('nothing') },
  { weight: 1, arbitrary: fc.constantFrom<Change>('quantity', 'subject', 'metric', 'timestamp') },
);
const limit = fc.oneof({ weight: 8, arbitrary: fc.nat(30) }, { weight: 1, arbitrary: fc.constant(null) });

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 40, arbitrary: fc.record({ do: fc.constant('record' as const), event: draft }) },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant('batch' as const),
      events: fc.array(
        fc.oneof(
          { weight: 5, arbitrary: draft },
          { weight: 1, arbitrary: fc.record({ again: which, change }) },
        ),
        { minLength: 1, maxLength: 6 },
      ),
    }),
  },
  { weight: 20, arbitrary: fc.record({ do: fc.constant('repeat' as const), which, change }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('increment' as const),
      metric: additive,
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('decrement' as const),
      metric: fc.oneof(
        { weight: 9, arbitrary: fc.constant('campaigns') },
        { weight: 1, arbitrary: anyMetric },
      ),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      metric: additive,
      quantity: fc.integer({ min: 1, max: 6 }),
      ttlMinutes: fc.constantFrom(1, 30, 600),
    }),
  },
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      which,
      part: fc.constantFrom('all' as const, 'unsaid' as const, 'some' as const, 'more' as const),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('release' as const), which }) },
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('correct' as const),
      which,
      unknown: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('override' as const),
      metric: limitedMetric,
      limit,
      forMinutes: fc.constantFrom(null, null, 2, 90),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('remove_override' as const), metric: limitedMetric }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('plan_limit' as const), metric: limitedMetric, limit }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant('time' as const),
      to: fc.constantFrom(
        'a_minute_on' as const,
        'an_hour_on' as const,
        'two_days_on' as const,
        'just_before_month_end' as const,
        'month_end' as const,
      ),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('job' as const),
      name: fc.constantFrom(
        'expiry' as const,
        'expiry' as const,
        'close' as const,
        'audit' as const,
        'rollup' as const,
      ),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
);

/** A history of so many steps, mostly. */
export function histories(steps: number): fc.Arbitrary<Operation[]> {
  return fc.array(operation, { minLength: 1, maxLength: steps, size: 'max' });
}
