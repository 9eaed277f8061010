import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import * as fc from 'fast-check';
import { readQuantity, readUsageEvent } from './usage-event-input';
import { UsageEventDto } from './usage-events.dto';

const good = { event_id: 'e-1', metric: 'email_sends' };
const isRead = (value: unknown): boolean => !Array.isArray(readUsageEvent(value, ''));
const codes = (value: unknown): string[] => {
  const read = readUsageEvent(value, '/events/3');
  return Array.isArray(read) ? read.map(({ pointer, code }) => `${pointer} ${code}`) : [];
};

describe('an event as it is sent', () => {
  it('needs an id and a metric, and has a quantity of 1 and nothing else', () => {
    expect(readUsageEvent(good, '')).toEqual({
      ...good,
      quantity: 1,
      timestamp: null,
      subject: null,
      metadata: null,
    });
  });

  it.each([
    ['no id', { metric: 'seats' }, '/events/3/event_id invalid_event_id'],
    ['an id of 129', { ...good, event_id: 'x'.repeat(129) }, '/events/3/event_id invalid_event_id'],
    ['an id with marks', { ...good, event_id: 'a\u200fb' }, '/events/3/event_id invalid_event_id'],
    ['a metric with a slash', { ...good, metric: 'a/b' }, '/events/3/metric invalid_metric'],
    ['a quantity of 0', { ...good, quantity: 0 }, '/events/3/quantity invalid_quantity'],
    ['a negative quantity', { ...good, quantity: -1 }, '/events/3/quantity invalid_quantity'],
    ['minus zero', { ...good, quantity: -0 }, '/events/3/quantity invalid_quantity'],
    ['a fraction as a number', { ...good, quantity: 0.5 }, '/events/3/quantity invalid_quantity'],
    ['more than a double holds', { ...good, quantity: 2 ** 53 }, '/events/3/quantity invalid_quantity'],
    ['an exponent as text', { ...good, quantity: '1e3' }, '/events/3/quantity invalid_quantity'],
    ['null as quantity', { ...good, quantity: null }, '/events/3/quantity invalid_quantity'],
    ['a day without a time', { ...good, timestamp: '2026-11-01' }, '/events/3/timestamp invalid_timestamp'],
    [
      'a time without a zone',
      { ...good, timestamp: '2026-11-01T00:00:00' },
      '/events/3/timestamp invalid_timestamp',
    ],
    ['30 February', { ...good, timestamp: '2026-02-30T00:00:00Z' }, '/events/3/timestamp invalid_timestamp'],
    ['the year 1', { ...good, timestamp: '0001-01-01T00:00:00Z' }, '/events/3/timestamp invalid_timestamp'],
    ['an empty subject', { ...good, subject: '' }, '/events/3/subject invalid_subject'],
    ['metadata of numbers', { ...good, metadata: { a: 1 } }, '/events/3/metadata invalid_metadata'],
    ['what is not known', { ...good, isAdmin: true }, '/events/3/isAdmin unknown_field'],
  ])('is refused with %s', (_, value, code) => {
    expect(codes(value)).toEqual([code]);
  });

  it('is refused when it is none', () => {
    for (const value of [null, 1, 'x', [good]]) expect(codes(value)).toEqual(['/events/3 not_object']);
  });

  it('has its quantity in one spelling, so that two spellings are one event', () => {
    expect(['5', '5.0', '5.00'].map(readQuantity)).toEqual([5, 5, 5]);
    expect(['0.50', '0.5'].map(readQuantity)).toEqual(['0.5', '0.5']);
    expect(readQuantity('9007199254740993')).toBe('9007199254740993');
    expect(readQuantity('1'.repeat(38))).toBe('1'.repeat(38));
    expect(readQuantity('1'.repeat(39))).toBeNull();
    expect(readQuantity('0.0')).toBeNull();
  });

  it('is judged as the documented class judges it (decisions 16)', () => {
    const anything = fc.oneof(
      fc.constantFrom(
        null,
        0,
        -0,
        1,
        -1,
        0.5,
        2 ** 53,
        true,
        '',
        '1',
        '0',
        '1.5',
        '1e3',
        '01',
        'a b',
        [],
        {},
      ),
      fc.constantFrom('2026-11-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-11-01T00:00:00', 'email_sends'),
      fc.string(),
      // Keys that reach prototypes do not get past the parser of the body.
      fc.dictionary(
        fc.string({ minLength: 1 }).filter((key) => !(key in {})),
        fc.oneof(fc.string(), fc.integer()),
      ),
    );
    const sent = fc.record(
      {
        event_id: fc.oneof(fc.constant('e-1'), anything),
        metric: fc.oneof(fc.constant('seats'), anything),
        quantity: anything,
        timestamp: anything,
        subject: anything,
        metadata: anything,
        another: anything,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(sent, (value) => {
        const instance = plainToInstance(UsageEventDto, value);
        const errors = validateSync(instance, { whitelist: true, forbidNonWhitelisted: true });
        expect(isRead(value)).toBe(errors.length === 0);
      }),
      { numRuns: 2000 },
    );
  });
});
