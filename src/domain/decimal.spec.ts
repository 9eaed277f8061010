import fc from 'fast-check';
import {
  Decimal,
  addDecimals,
  compareDecimals,
  divideRounded,
  formatDecimal,
  multiplyDecimals,
  parseDecimal,
  quantityOf,
  quantityToJson,
  roundToWhole,
} from './decimal';

const decimals = fc
  .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.nat({ max: 12 }))
  .map(([digits, scale]) => parseDecimal(formatDecimal({ digits, scale }), 12));

describe('parseDecimal', () => {
  it.each([
    ['0', { digits: 0n, scale: 0 }],
    ['-0', { digits: 0n, scale: 0 }],
    ['-0.00', { digits: 0n, scale: 0 }],
    ['12.50', { digits: 125n, scale: 1 }],
    ['-0.000000000001', { digits: -1n, scale: 12 }],
    ['9007199254740993', { digits: 9007199254740993n, scale: 0 }],
    ['100', { digits: 100n, scale: 0 }],
  ])('reads %s exactly', (text, expected) => {
    expect(parseDecimal(text, 12)).toEqual(expected);
  });

  it.each([
    '',
    ' 1',
    '1 ',
    '+1',
    '1e3',
    '0x10',
    '.5',
    '5.',
    '01',
    '1,5',
    '1.2.3',
    'NaN',
    'Infinity',
    '--1',
    '١',
  ])('refuses %j', (text) => {
    expect(() => parseDecimal(text, 12)).toThrow(RangeError);
  });

  it('counts only the digits a number needs against the scale', () => {
    expect(parseDecimal('1.500', 1)).toEqual({ digits: 15n, scale: 1 });
    expect(() => parseDecimal('1.501', 1)).toThrow(RangeError);
  });

  it('refuses a text that is longer than any number we keep', () => {
    expect(() => parseDecimal('9'.repeat(65), 0)).toThrow(RangeError);
    expect(parseDecimal('9'.repeat(64), 0).digits).toBe(10n ** 64n - 1n);
  });

  it('reads back what formatDecimal writes', () => {
    fc.assert(
      fc.property(decimals, (decimal) => {
        expect(parseDecimal(formatDecimal(decimal), 12)).toEqual(decimal);
      }),
    );
  });
});

describe('exact arithmetic', () => {
  it('adds without the error of floats', () => {
    expect(formatDecimal(addDecimals(parseDecimal('0.1', 9), parseDecimal('0.2', 9)))).toBe('0.3');
  });

  it('undoes an addition by subtracting the same', () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        const minusB: Decimal = { digits: -b.digits, scale: b.scale };
        expect(addDecimals(addDecimals(a, b), minusB)).toEqual(a);
      }),
    );
  });

  it('distributes a product over a sum', () => {
    fc.assert(
      fc.property(decimals, decimals, decimals, (a, b, c) => {
        const together = multiplyDecimals(a, addDecimals(b, c));
        expect(addDecimals(multiplyDecimals(a, b), multiplyDecimals(a, c))).toEqual(together);
      }),
    );
  });

  it('compares by value', () => {
    expect(compareDecimals(parseDecimal('1.10', 2), parseDecimal('1.1', 2))).toBe(0);
    expect(compareDecimals(parseDecimal('-2', 2), parseDecimal('-1.99', 2))).toBe(-1);
    expect(compareDecimals(parseDecimal('10', 2), parseDecimal('9.99', 2))).toBe(1);
  });

  it.each([
    ['0.5', 1n],
    ['1.4999', 1n],
    ['-0.5', -1n],
    ['-2.5', -3n],
    ['2.5', 3n],
  ])('rounds %s to %s', (text, whole) => {
    expect(roundToWhole(parseDecimal(text, 9))).toBe(whole);
  });

  it('rounds a quotient to the nearest whole, and a credit as the mirror of its charge', () => {
    const numerators = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
    fc.assert(
      fc.property(numerators, fc.bigInt({ min: 1n, max: 10n ** 10n }), (numerator, denominator) => {
        const rounded = divideRounded(numerator, denominator);
        const twiceTheError = 2n * (numerator - rounded * denominator);
        expect(twiceTheError <= denominator && twiceTheError >= -denominator).toBe(true);
        expect(divideRounded(-numerator, denominator)).toBe(-rounded);
      }),
    );
    expect(() => divideRounded(1n, 0n)).toThrow(RangeError);
  });
});

describe('quantities', () => {
  it('takes whole JSON numbers and decimal texts', () => {
    expect(quantityOf(3, 0)).toEqual({ digits: 3n, scale: 0 });
    expect(quantityOf('0.25', 2)).toEqual({ digits: 25n, scale: 2 });
  });

  it.each([0.1, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('refuses the JSON number %s', (value) => {
    expect(() => quantityOf(value, 9)).toThrow(RangeError);
  });

  it('leaves as a JSON integer while that is exact, else as text', () => {
    expect(quantityToJson(quantityOf(Number.MAX_SAFE_INTEGER, 0))).toBe(Number.MAX_SAFE_INTEGER);
    expect(quantityToJson(parseDecimal('9007199254740993', 0))).toBe('9007199254740993');
    expect(quantityToJson(parseDecimal('1.50', 9))).toBe('1.5');
    expect(quantityToJson(parseDecimal('2.0', 9))).toBe(2);
  });
});
