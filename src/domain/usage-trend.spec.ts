import { flowUsedAt, gaugeAt, sameMomentBefore, usageTrend } from './usage-trend';

const at = (text: string): Date => new Date(text);
const october = { start: at('2026-10-01T00:00:00Z'), end: at('2026-11-01T00:00:00Z') };
const november = { start: at('2026-11-01T00:00:00Z'), end: at('2026-12-01T00:00:00Z') };
const ofOctober = (date: string, used: string) => ({ date, used, periodStart: october.start });

describe('a trend', () => {
  it('is the change in percent of what was', () => {
    expect(usageTrend('150', '100')).toEqual({ direction: 'up', percent: 50 });
    expect(usageTrend('2.5', '10')).toEqual({ direction: 'down', percent: -75 });
    expect(usageTrend('1', '3')).toEqual({ direction: 'down', percent: -66.6 });
    expect(usageTrend('7', '7.0')).toEqual({ direction: 'flat', percent: 0 });
  });

  it('from nothing has a direction and no percentage', () => {
    expect(usageTrend('5', '0')).toEqual({ direction: 'up', percent: null });
    expect(usageTrend('0', '0')).toEqual({ direction: 'flat', percent: null });
  });
});

describe('the same moment of the period before', () => {
  it('is as far from its start', () => {
    expect(sameMomentBefore(november, october, at('2026-11-21T09:00:00Z'))).toEqual(
      at('2026-10-21T09:00:00Z'),
    );
  });

  it('is its end when it was shorter', () => {
    const february = { start: at('2026-02-01T00:00:00Z'), end: at('2026-03-01T00:00:00Z') };
    const march = { start: at('2026-03-01T00:00:00Z'), end: at('2026-04-01T00:00:00Z') };
    expect(sameMomentBefore(march, february, at('2026-03-30T00:00:00Z'))).toEqual(february.end);
  });
});

describe('what a flow had used', () => {
  const snapshots = [ofOctober('2026-10-01', '10'), ofOctober('2026-10-02', '30')];

  it('is between two snapshots as if evenly', () => {
    expect(flowUsedAt(at('2026-10-02T06:00:00Z'), october, snapshots, '99')).toBe('15');
    expect(flowUsedAt(at('2026-10-02T00:00:00Z'), october, snapshots, '99')).toBe('10');
  });

  it('begins with nothing at the start of the period', () => {
    expect(flowUsedAt(at('2026-10-01T12:00:00Z'), october, snapshots, '99')).toBe('5');
    const fromNoon = { start: at('2026-10-01T12:00:00Z'), end: at('2026-11-01T12:00:00Z') };
    const snapshot = { date: '2026-10-01', used: '12', periodStart: fromNoon.start };
    expect(flowUsedAt(at('2026-10-01T15:00:00Z'), fromNoon, [snapshot], '99')).toBe('3');
  });

  it('ends with what the period came to', () => {
    const last = [ofOctober('2026-10-30', '80')];
    expect(flowUsedAt(at('2026-10-31T18:00:00Z'), october, last, '100')).toBe('95');
    expect(flowUsedAt(october.end, october, [], '100')).toBeNull();
    const fromNoon = { start: at('2026-10-01T12:00:00Z'), end: at('2026-11-01T12:00:00Z') };
    const snapshot = { date: '2026-10-31', used: '90', periodStart: fromNoon.start };
    expect(flowUsedAt(fromNoon.end, fromNoon, [snapshot], '100')).toBe('100');
  });

  it('is not known without the snapshots around it, or with those of another period', () => {
    expect(flowUsedAt(at('2026-10-09T06:00:00Z'), october, snapshots, '99')).toBeNull();
    const others = snapshots.map((snapshot) => ({ ...snapshot, periodStart: november.start }));
    expect(flowUsedAt(at('2026-10-02T06:00:00Z'), october, others, '99')).toBeNull();
  });

  it('keeps decimals exact', () => {
    const fine = [ofOctober('2026-10-01', '0.1'), ofOctober('2026-10-02', '0.3')];
    expect(flowUsedAt(at('2026-10-02T12:00:00Z'), october, fine, '9')).toBe('0.2');
  });
});

it('a gauge is what it was at the last midnight', () => {
  const snapshots = [{ date: '2026-10-20', used: '7', periodStart: new Date(0) }];
  expect(gaugeAt(at('2026-10-21T23:00:00Z'), snapshots)).toBe('7');
  expect(gaugeAt(at('2026-10-22T00:00:00Z'), snapshots)).toBeNull();
});
