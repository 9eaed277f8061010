import fc from 'fast-check';
import type Stripe from 'stripe';
import { amountFor, decimalText, percentOf, split, wholeAmount } from './amounts';

function price(more: Partial<Stripe.Price>): Stripe.Price {
  return {
    billing_scheme: 'per_unit',
    tiers_mode: null,
    transform_quantity: null,
    unit_amount_decimal: null,
    ...more,
  } as Stripe.Price;
}

function tier(upTo: number | null, unit: string | null, flat: string | null = null): Stripe.Price.Tier {
  return {
    up_to: upTo,
    unit_amount: null,
    flat_amount: null,
    unit_amount_decimal: unit === null ? null : decimalText(unit),
    flat_amount_decimal: flat === null ? null : decimalText(flat),
  };
}

describe('amounts', () => {
  it('rounds a decimal price once, after multiplying', () => {
    expect(amountFor(price({ unit_amount_decimal: decimalText('0.05') }), 1)).toBe(0);
    expect(amountFor(price({ unit_amount_decimal: decimalText('0.05') }), 10)).toBe(1);
    expect(amountFor(price({ unit_amount_decimal: decimalText('0.000000000001') }), 500_000_000_000)).toBe(1);
  });

  it('counts packages up or down', () => {
    const unit_amount_decimal = decimalText('500');
    expect(
      amountFor(price({ unit_amount_decimal, transform_quantity: { divide_by: 100, round: 'up' } }), 101),
    ).toBe(1000);
    expect(
      amountFor(price({ unit_amount_decimal, transform_quantity: { divide_by: 100, round: 'down' } }), 199),
    ).toBe(500);
  });

  it('fills graduated tiers one after another', () => {
    const graduated = price({
      billing_scheme: 'tiered',
      tiers_mode: 'graduated',
      tiers: [tier(5, '700'), tier(10, '650', '100'), tier(null, '600')],
    });
    expect([0, 1, 5, 6, 10, 12].map((quantity) => amountFor(graduated, quantity))).toEqual([
      0, 700, 3500, 4250, 6850, 8050,
    ]);
  });

  it('takes one volume tier for all units', () => {
    const volume = price({
      billing_scheme: 'tiered',
      tiers_mode: 'volume',
      tiers: [tier(5, '700'), tier(10, '650'), tier(null, '600', '50')],
    });
    expect([5, 6, 11].map((quantity) => amountFor(volume, quantity))).toEqual([3500, 3900, 6650]);
  });

  it('takes percentages half up', () => {
    expect(percentOf(3333, 50)).toBe(1667);
    expect(percentOf(1000, 12.5)).toBe(125);
    expect(percentOf(999, 100)).toBe(999);
  });

  it('tells whole from fractional decimals', () => {
    expect(wholeAmount('2900')).toBe(2900);
    expect(wholeAmount('0.5')).toBeNull();
  });

  it('splits without losing or making a unit, each part within its weight', () => {
    const amount = fc.integer({ min: 0, max: 1_000_000_000 });
    const weights = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(amount, weights, (total, shares) => {
        const parts = split(total, shares);
        const sum = shares.reduce((all, share) => all + share, 0);
        expect(parts.reduce((all, part) => all + part, 0)).toBe(sum === 0 ? 0 : total);
        parts.forEach((part, index) =>
          expect(Math.abs(part - (sum ? (total * (shares[index] ?? 0)) / sum : 0))).toBeLessThanOrEqual(1),
        );
      }),
    );
  });
});
