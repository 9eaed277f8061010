import fc from 'fast-check';
import {
  add,
  allocate,
  applyPercentOff,
  chargeStep,
  currencyOf,
  formatMoney,
  minorUnitExponent,
  money,
  monthlyEquivalent,
  multiply,
  subtract,
} from './money';

const eur = currencyOf('eur');
const usd = currencyOf('USD');
const jpy = currencyOf('jpy');
const kwd = currencyOf('kwd');
const isk = currencyOf('isk');
const amounts = fc.maxSafeInteger();

describe('currencies', () => {
  it('are lower-case, whatever case they come in', () => {
    expect(currencyOf('Usd')).toBe('usd');
  });

  it.each(['', 'eu', 'euro', 'xxx', 'btc', 'xau', 'constructor'])('refuses %j', (code) => {
    expect(() => currencyOf(code)).toThrow(RangeError);
  });

  it.each([
    ['usd', 2, 1],
    ['jpy', 0, 1],
    ['mga', 0, 1],
    ['kwd', 3, 10],
    ['isk', 2, 100],
    ['ugx', 2, 100],
    ['huf', 2, 1],
  ])('%s has %d decimals and is charged in steps of %d, as Stripe does', (code, exponent, step) => {
    expect(minorUnitExponent(currencyOf(code))).toBe(exponent);
    expect(chargeStep(currencyOf(code))).toBe(step);
  });
});

describe('money', () => {
  it.each([0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('refuses an amount of %s', (amount) => {
    expect(() => money(amount, eur)).toThrow(RangeError);
  });

  it('has no negative zero', () => {
    expect(Object.is(money(-0, eur).amount, 0)).toBe(true);
    expect(Object.is(multiply(money(5, eur), -0).amount, 0)).toBe(true);
    expect(Object.is(allocate(money(-1, eur), [1, 1])[1]?.amount, 0)).toBe(true);
  });

  it('adds and subtracts back, or refuses what is no longer exact', () => {
    fc.assert(
      fc.property(amounts, amounts, (a, b) => {
        if (Number.isSafeInteger(a + b)) {
          expect(subtract(add(money(a, eur), money(b, eur)), money(b, eur))).toEqual(money(a, eur));
        } else {
          expect(() => add(money(a, eur), money(b, eur))).toThrow(RangeError);
        }
      }),
    );
  });

  it('does not mix currencies', () => {
    expect(() => add(money(1, eur), money(1, usd))).toThrow(RangeError);
    expect(() => subtract(money(1, eur), money(1, usd))).toThrow(RangeError);
  });

  it('multiplies exactly or not at all', () => {
    expect(multiply(money(333, eur), 3)).toEqual(money(999, eur));
    expect(() => multiply(money(2 ** 52, eur), 3)).toThrow(RangeError);
    expect(() => multiply(money(100, eur), 1.5)).toThrow(RangeError);
  });
});

describe('allocate', () => {
  it('gives what does not divide to the largest remainders', () => {
    expect(allocate(money(100, eur), [1, 1, 1]).map((part) => part.amount)).toEqual([34, 33, 33]);
    expect(allocate(money(10, eur), [1, 5, 1]).map((part) => part.amount)).toEqual([2, 7, 1]);
    expect(allocate(money(-100, eur), [1, 1, 1]).map((part) => part.amount)).toEqual([-34, -33, -33]);
  });

  it('adds up, and no part is a whole unit away from its share', () => {
    const ratios = fc.array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(amounts, ratios, (amount, weights) => {
        fc.pre(weights.some((weight) => weight > 0));
        const parts = allocate(money(amount, eur), weights);
        expect(parts.reduce(add)).toEqual(money(amount, eur));

        const total = BigInt(weights.reduce((sum, weight) => sum + weight, 0));
        parts.forEach((part, index) => {
          const error = BigInt(part.amount) * total - BigInt(amount) * BigInt(weights[index] ?? 0);
          expect(error < total && error > -total).toBe(true);
        });
      }),
    );
  });

  it.each([[[]], [[0, 0]], [[1, -1]], [[0.5, 0.5]]])('refuses the ratios %j', (ratios) => {
    expect(() => allocate(money(100, eur), ratios)).toThrow(RangeError);
  });
});

describe('applyPercentOff', () => {
  it.each([
    [1000, 25, 750],
    [999, 50, 499], // the discount of 499.5 is rounded up, the rest is what is left
    [1, 50, 0],
    [1001, 33.3333, 667],
    [1000, 0, 1000],
    [1000, 100, 0],
    [-999, 50, -499],
  ])('%d less %d %% is %d', (amount, percent, left) => {
    expect(applyPercentOff(money(amount, eur), percent).amount).toBe(left);
  });

  it('is exact where floats are not: 8.2 % of 5 000 000 000 000 001', () => {
    expect(applyPercentOff(money(5_000_000_000_000_001, eur), 8.2).amount).toBe(4_590_000_000_000_001);
  });

  it('never raises a price and never makes it negative', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 10_000 }), (amount, hundredths) => {
        const left = applyPercentOff(money(amount, eur), hundredths / 100).amount;
        expect(left).toBeGreaterThanOrEqual(0);
        expect(left).toBeLessThanOrEqual(amount);
      }),
    );
  });

  it.each([-1, 100.1, Number.NaN, 0.00001, 1e-7])('refuses %s %%', (percent) => {
    expect(() => applyPercentOff(money(100, eur), percent)).toThrow(RangeError);
  });
});

describe('formatMoney', () => {
  it.each([
    [money(123450, eur), 'en', '€1,234.50'],
    [money(123450, usd), 'en-US', '$1,234.50'],
    [money(1235, jpy), 'en', '¥1,235'],
    [money(1500, kwd), 'en', 'KWD 1.500'],
    [money(500, isk), 'en', 'ISK 5'],
    [money(4010, isk), 'en', 'ISK 40.10'],
    [money(-5, eur), 'en', '-€0.05'],
    [money(123450, eur), 'de', '1.234,50 €'],
    [money(999, currencyOf('huf')), 'en', 'HUF 9.99'],
    [money(Number.MAX_SAFE_INTEGER, eur), 'en', '€90,071,992,547,409.91'],
  ])('writes %j in %s as %s', (amount, locale, text) => {
    expect(formatMoney(amount, locale).replaceAll('\u00a0', ' ')).toBe(text);
  });

  it('refuses what is no locale', () => {
    expect(() => formatMoney(money(1, eur), 'not a locale')).toThrow(RangeError);
  });
});

describe('monthlyEquivalent', () => {
  it.each([
    [12000, 'year', 1, 1000],
    [9990, 'year', 1, 833], // 832.5
    [1000, 'month', 3, 333],
    [1000, 'month', 1, 1000],
    [24000, 'year', 2, 1000],
    [0, 'year', 1, 0],
  ] as const)('%d per %s × %d is %d a month', (amount, interval, count, perMonth) => {
    expect(monthlyEquivalent(money(amount, eur), interval, count).amount).toBe(perMonth);
  });

  it('refuses an interval of nothing', () => {
    expect(() => monthlyEquivalent(money(1, eur), 'month', 0)).toThrow(RangeError);
  });
});
