import fc from 'fast-check';
import { amountOf, usageStanding } from './usage-standing';

const limited = (limit: number | null, grace = limit) => ({ limit, grace_limit: grace });

describe('where a counter stands', () => {
  it('is told exactly, decimals and large numbers included', () => {
    expect(usageStanding(limited(10), '2.50', '1')).toEqual({
      current_usage: '2.5',
      reserved: 1,
      limit: 10,
      grace_limit: 10,
      percent: 25,
      remaining: '6.5',
      over_limit: false,
    });
    expect(usageStanding(limited(null), '9007199254740993', '0')).toMatchObject({
      current_usage: '9007199254740993',
      percent: null,
      remaining: null,
      over_limit: false,
    });
  });

  it('rounds the percentage down, so that 100 means reached', () => {
    expect(usageStanding(limited(3), '2', '0').percent).toBe(66.6);
    expect(usageStanding(limited(1000), '999.99', '0').percent).toBe(99.9);
    expect(usageStanding(limited(1000), '1000', '0').percent).toBe(100);
    expect(usageStanding(limited(0), '0', '0').percent).toBeNull();
  });

  it('is over the limit only past it, grace or not', () => {
    expect(usageStanding(limited(10, 11), '10', '1')).toMatchObject({ over_limit: false, remaining: 0 });
    expect(usageStanding(limited(10, 11), '10.000001', '0')).toMatchObject({
      over_limit: true,
      remaining: 0,
    });
  });

  it('never leaves less than nothing, and with what is taken adds up to the limit', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (limit, used, reserved) => {
        const { remaining } = usageStanding(limited(limit), String(used), String(reserved));
        expect(remaining).toBe(Math.max(0, limit - used - reserved));
      }),
    );
  });
});

it('shows what Postgres says without the zeros at its end', () => {
  expect([amountOf('5.50'), amountOf('5.00'), amountOf('-3')]).toEqual(['5.5', 5, -3]);
});
