import fc from 'fast-check';
import { ONE } from '../amounts';
import { prorated, proratedExact } from './proration';

describe('prorations', () => {
  it('round once, half away from zero', () => {
    expect(prorated(1, 1, 2)).toBe(1);
    expect(prorated(-1, 1, 2)).toBe(-1);
    expect(prorated(1, 49, 100)).toBe(0);
    expect(prorated(2900, 1_296_000, 2_592_000)).toBe(1450);
    // 0.05 × 9 = 0.45 of a cent: rounded before its part is taken it would be nothing for any part.
    expect(proratedExact((ONE * 19n) / 10n, 3, 4)).toBe(1);
  });

  it('are nothing for no time, and the whole for the whole period', () => {
    expect(prorated(2900, 0, 100)).toBe(0);
    expect(prorated(2900, -5, 100)).toBe(0);
    expect(prorated(2900, 100, 100)).toBe(2900);
    expect(proratedExact((ONE * 5n) / 2n, 100, 100)).toBe(3);
  });

  it('never differ from the exact part by more than half a minor unit, also for amounts no float can hold', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 99_999_999_99 }),
        fc.integer({ min: 1, max: 31_622_400 }),
        fc.nat(),
        (amount, whole, seed) => {
          const part = seed % (whole + 1);
          const twice = 2n * BigInt(prorated(amount, part, whole)) * BigInt(whole);
          const difference = twice - 2n * BigInt(amount) * BigInt(part);
          expect(difference <= BigInt(whole) && difference >= -BigInt(whole)).toBe(true);
        },
      ),
    );
  });

  it('give a debit back and debit the rest within one unit of what was paid', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10_000_000 }),
        fc.integer({ min: 1, max: 3_000_000 }),
        fc.nat(),
        (amount, whole, seed) => {
          const part = seed % (whole + 1);
          expect(
            Math.abs(prorated(amount, part, whole) + prorated(amount, whole - part, whole) - amount),
          ).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
