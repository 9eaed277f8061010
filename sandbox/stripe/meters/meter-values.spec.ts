import fc from 'fast-check';
import { aggregate, valueProblem } from './meter-values';

describe('values of meter events', () => {
  it('are decimals of at most 15 and 12 digits', () => {
    expect(['1', '-3', '0.5', '999999999999999.999999999999'].map(valueProblem)).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(['', 'abc', '1e3', ' 1', undefined].map(valueProblem)).toEqual(
      Array.from({ length: 5 }, () => 'meter_event_invalid_value'),
    );
    expect(['1234567890123456', '0.1234567890123'].map(valueProblem)).toEqual([
      'meter_event_value_too_many_digits',
      'meter_event_value_too_many_digits',
    ]);
  });

  it('are summed exactly, whatever a float would make of them', () => {
    expect(aggregate('sum', ['0.1', '0.2'])).toBe(0.3);
    expect(
      aggregate(
        'sum',
        Array.from({ length: 10 }, () => '0.1'),
      ),
    ).toBe(1);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 })), (numbers) => {
        expect(aggregate('sum', numbers.map(String))).toBe(numbers.reduce((sum, one) => sum + one, 0));
      }),
    );
  });

  it('are counted, or only the last counts', () => {
    expect(aggregate('count', ['5', '7'])).toBe(2);
    expect(aggregate('last', ['5', '7'])).toBe(7);
    expect(aggregate('last', [])).toBe(0);
  });
});
