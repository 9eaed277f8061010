import fc from 'fast-check';
import { currencyOf } from './money';
import {
  Debit,
  exactPart,
  Fraction,
  HeldLine,
  LineChange,
  LinePrice,
  periodAmount,
  prorate,
  rounded,
  sumOfLines,
} from './proration';

const usd = currencyOf('usd');
const at = (day: number, seconds = 0): Date => new Date(Date.UTC(2026, 3, day) + seconds * 1000);
/** 30 days. */
const april = { start: at(1), end: at(31) };
const flat = (
  unitAmount: number | string,
  quantity = 1,
  discount: HeldLine['discount'] = null,
): HeldLine => ({
  price: { model: 'per_unit', unitAmount: String(unitAmount) },
  quantity,
  discount,
});
const debit = (amount: number, period = april): Debit => ({ amount, period });
const change = (fields: Partial<LineChange>): LineChange => ({
  currency: usd,
  period: april,
  at: at(16),
  mode: 'flexible',
  from: flat(3000),
  debits: [debit(3000)],
  to: flat(9000),
  newPeriod: null,
  ...fields,
});
const amounts = (fields: Partial<LineChange>): number[] =>
  prorate(change(fields)).map(({ amount }) => amount);

describe('prorate', () => {
  it('gives back the unused half and charges the half that is left', () => {
    expect(prorate(change({}))).toEqual([
      { kind: 'credit', amount: -1500, quantity: 1, period: { start: at(16), end: at(31) } },
      { kind: 'charge', amount: 4500, quantity: 1, period: { start: at(16), end: at(31) } },
    ]);
  });

  it('works downwards too: the sum is a credit', () => {
    const lines = prorate(change({ from: flat(9000), debits: [debit(9000)], to: flat(3000) }));
    expect(sumOfLines(lines, usd).amount).toBe(-3000);
  });

  it('counts to the second', () => {
    // One of 2,592,000 seconds is used: 3000 × 2591999 / 2592000 = 2999.998…
    expect(amounts({ at: at(1, 1), from: flat(2_592_000), debits: [debit(2_592_000)], to: null })).toEqual([
      -2_591_999,
    ]);
    expect(amounts({ at: new Date(at(1, 1).getTime() + 999), debits: [debit(2_592_000)], to: null })).toEqual(
      [-2_591_999],
    );
  });

  it('changes the quantity alone', () => {
    expect(amounts({ from: flat(1000, 2), debits: [debit(2000)], to: flat(1000, 5) })).toEqual([-1000, 2500]);
  });

  it('charges all of a new period when the interval changes', () => {
    const year = { start: at(16), end: new Date(Date.UTC(2027, 3, 16)) };
    expect(amounts({ to: flat(30_000), newPeriod: year })).toEqual([-1500, 30_000]);
  });

  it('bills nothing of an unused trial', () => {
    const month = { start: at(16), end: at(46) };
    expect(amounts({ from: null, debits: [], to: flat(3000), newPeriod: month })).toEqual([3000]);
  });

  it('takes percent and amount off in proportion', () => {
    expect(amounts({ to: flat(9000, 1, { percentOff: 12.5 }) })).toEqual([-1500, 3938]); // 3937.5
    expect(amounts({ to: flat(9000, 1, { amountOff: 1000 }) })).toEqual([-1500, 4000]);
    expect(amounts({ to: flat(9000, 1, { amountOff: 10_000 }) })).toEqual([-1500]);
  });

  it('flexible gives back what was debited, classic what it would cost now', () => {
    // Bought at 50 % off; the coupon has ended since.
    expect(amounts({ debits: [debit(1500)] })).toEqual([-750, 4500]);
    expect(amounts({ debits: [debit(1500)], mode: 'classic' })).toEqual([-1500, 4500]);
  });

  it('gives one credit for each debit', () => {
    const later = { start: at(11), end: at(31) };
    expect(amounts({ debits: [debit(3000), debit(2000, later)], to: null })).toEqual([-1500, -1500]);
  });

  it('rounds halves away from zero, once per line', () => {
    expect(amounts({ debits: [debit(3)], to: flat(5) })).toEqual([-2, 3]); // 1.5 and 2.5
  });

  it('takes zero-decimal currencies as they are', () => {
    expect(
      amounts({ currency: currencyOf('jpy'), debits: [debit(333)], from: flat(333), to: flat(999) }),
    ).toEqual([-167, 500]);
  });

  it('refuses a moment outside the period', () => {
    expect(() => prorate(change({ at: at(40) }))).toThrow(RangeError);
    expect(() => prorate(change({ at: new Date(april.start.getTime() - 1000) }))).toThrow(RangeError);
  });
});

describe('periodAmount', () => {
  const tiers = [
    { upTo: 5, unitAmount: '100', flatAmount: 50 },
    { upTo: 10, unitAmount: '80.5', flatAmount: 0 },
    { upTo: null, unitAmount: '50', flatAmount: 10 },
  ];
  const amountOf = (price: LinePrice, quantity: number): number =>
    rounded(periodAmount({ price, quantity, discount: null }));

  it.each([
    [0, 50],
    [5, 550],
    [6, 631],
    [10, 953],
    [12, 1063],
  ])('graduated: %d pieces pay each step its own price', (quantity, expected) => {
    expect(amountOf({ model: 'graduated', tiers }, quantity)).toBe(expected);
  });

  it.each([
    [0, 50],
    [5, 550],
    [6, 483],
    [12, 610],
  ])('volume: %d pieces all pay the price of the step they reach', (quantity, expected) => {
    expect(amountOf({ model: 'volume', tiers }, quantity)).toBe(expected);
  });

  it('takes prices below a minor unit exactly', () => {
    expect(amountOf({ model: 'per_unit', unitAmount: '0.125' }, 1000)).toBe(125);
    expect(() => amountOf({ model: 'per_unit', unitAmount: '1e3' }, 1)).toThrow(RangeError);
    expect(() => amountOf({ model: 'per_unit', unitAmount: '1' }, -1)).toThrow(RangeError);
    expect(() => amountOf({ model: 'per_unit', unitAmount: '1' }, 1.5)).toThrow(RangeError);
  });
});

describe('rounding never drifts', () => {
  const prices = fc.oneof(
    fc
      .integer({ min: 0, max: 1_000_000 })
      .map((unit): LinePrice => ({ model: 'per_unit', unitAmount: String(unit) })),
    fc
      .tuple(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 9999 }),
        fc.integer({ min: 0, max: 9999 }),
      )
      .map(([upTo, first, second]): LinePrice => ({
        model: 'graduated',
        tiers: [
          { upTo, unitAmount: `${first}.5`, flatAmount: 100 },
          { upTo: null, unitAmount: String(second), flatAmount: 0 },
        ],
      })),
  );
  const discounts = fc.oneof(
    fc.constant(null),
    fc.integer({ min: 0, max: 10_000 }).map((hundredths) => ({ percentOff: hundredths / 100 })),
    fc.integer({ min: 0, max: 5000 }).map((amountOff) => ({ amountOff })),
  );
  const lines: fc.Arbitrary<HeldLine> = fc.record({
    price: prices,
    quantity: fc.integer({ min: 0, max: 200 }),
    discount: discounts,
  });
  const moments = fc.integer({ min: 1, max: 30 * 86_400 - 1 });

  it('credit plus charge of one change is within one minor unit of the exact difference', () => {
    fc.assert(
      fc.property(
        lines,
        lines,
        moments,
        fc.constantFrom('flexible' as const, 'classic' as const),
        (from, to, second, mode) => {
          const moment = at(1, second);
          const debited = rounded(periodAmount(from));
          const total = sumOfLines(
            prorate(change({ from, to, at: moment, debits: [debit(debited)], mode })),
            usd,
          ).amount;
          const before =
            mode === 'flexible' ? scaled(debited, second) : exactPart(from, april, moment, april.end);
          const exact = minus(exactPart(to, april, moment, april.end), before);
          expect(isWithin(total, exact, 1n)).toBe(true);
        },
      ),
    );
  });

  it('over all changes of a period the sum stays within half a minor unit a line of the exact integral', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(lines, moments), { minLength: 2, maxLength: 8 }), (steps) => {
        const held = steps.map(([line]) => line);
        const times = [0, ...steps.slice(1).map(([, second]) => second)].sort((a, b) => a - b);
        let integral: Fraction = { numerator: 0n, denominator: 1n };
        let charged = rounded(periodAmount(held[0]!));
        let roundings = 1n;
        held.forEach((line, index) => {
          const end = times[index + 1] === undefined ? april.end : at(1, times[index + 1]);
          integral = add(integral, exactPart(line, april, at(1, times[index]), end));
          const next = held[index + 1];
          if (next === undefined) return;
          const made = prorate(change({ mode: 'classic', from: line, to: next, at: end, debits: [] }));
          charged += sumOfLines(made, usd).amount;
          roundings += 2n;
        });
        expect(isWithin(charged, integral, roundings, 2n)).toBe(true);
      }),
    );
  });

  it('there and back at the same moment costs nothing', () => {
    fc.assert(
      fc.property(lines, lines, moments, (from, to, second) => {
        const moment = at(1, second);
        const first = rounded(periodAmount(from));
        const there = prorate(change({ from, to, at: moment, debits: [debit(first)] }));
        const left = { start: moment, end: april.end };
        const charge = there.find(({ kind }) => kind === 'charge')?.amount ?? 0;
        const back = prorate(change({ from: to, to: null, at: moment, debits: [debit(charge, left)] }));
        expect(sumOfLines(back, usd).amount).toBe(0 - charge);
      }),
    );
  });
});

const add = (a: Fraction, b: Fraction): Fraction => ({
  numerator: a.numerator * b.denominator + b.numerator * a.denominator,
  denominator: a.denominator * b.denominator,
});
const minus = (a: Fraction, b: Fraction): Fraction => add(a, { ...b, numerator: -b.numerator });
const scaled = (amount: number, second: number): Fraction => ({
  numerator: BigInt(amount) * BigInt(30 * 86_400 - second),
  denominator: BigInt(30 * 86_400),
});
/** |whole − exact| ≤ most / per */
function isWithin(whole: number, exact: Fraction, most: bigint, per = 1n): boolean {
  const difference = BigInt(whole) * exact.denominator - exact.numerator;
  return (difference < 0n ? -difference : difference) * per <= most * exact.denominator;
}
