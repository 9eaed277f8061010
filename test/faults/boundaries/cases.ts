/** One event at one moment, and where it has to count. */
export interface BoundaryCase {
  name: string;
  /** What the tenant's months count from; null = calendar months. */
  anchor: string | null;
  /** Business time. */
  now: string;
  /** What the event says; null = nothing. */
  timestamp: string | null;
  /** A meter that refuses late events. */
  strict?: boolean;
  /** Start of the period it counts in, or the code of the refusal. */
  wanted: string;
  late?: boolean;
}

const CALENDAR: BoundaryCase[] = [
  at('last millisecond of February', null, '2027-02-28T23:59:59.999Z', '2027-02-01T00:00:00.000Z'),
  at('first millisecond of March', null, '2027-03-01T00:00:00.000Z', '2027-03-01T00:00:00.000Z'),
  at('a millisecond later', null, '2027-03-01T00:00:00.001Z', '2027-03-01T00:00:00.000Z'),
  at('leap day begins', null, '2028-02-29T00:00:00.000Z', '2028-02-01T00:00:00.000Z'),
  at('leap day ends', null, '2028-02-29T23:59:59.999Z', '2028-02-01T00:00:00.000Z'),
  at('after the leap day', null, '2028-03-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z'),
  at('a year ends', null, '2027-12-31T23:59:59.999Z', '2027-12-01T00:00:00.000Z'),
  at('a year begins', null, '2028-01-01T00:00:00.000Z', '2028-01-01T00:00:00.000Z'),
  at('new year in India, not yet here', null, '2027-12-31T18:30:00.000Z', '2027-12-01T00:00:00.000Z'),
  at('new year here, not yet in Los Angeles', null, '2028-01-01T07:59:59.999Z', '2028-01-01T00:00:00.000Z'),
  at('clocks go forward in Los Angeles', null, '2027-03-14T10:00:00.000Z', '2027-03-01T00:00:00.000Z'),
  at('clocks go back in Los Angeles', null, '2027-11-07T09:00:00.000Z', '2027-11-01T00:00:00.000Z'),
];

const ANCHORED: BoundaryCase[] = [
  at(
    'anchor on the 31st, February ends',
    '2026-01-31T08:00:00Z',
    '2027-02-28T07:59:59.999Z',
    '2027-01-31T08:00:00.000Z',
  ),
  at(
    'anchor on the 31st, at its end',
    '2026-01-31T08:00:00Z',
    '2027-02-28T08:00:00.000Z',
    '2027-02-28T08:00:00.000Z',
  ),
  at(
    'anchor on the 31st is not forgotten',
    '2026-01-31T08:00:00Z',
    '2027-03-31T07:59:59.999Z',
    '2027-02-28T08:00:00.000Z',
  ),
  at(
    'anchor on the 31st, in March again',
    '2026-01-31T08:00:00Z',
    '2027-03-31T08:00:00.000Z',
    '2027-03-31T08:00:00.000Z',
  ),
  at(
    'anchor on the 31st, leap day',
    '2026-01-31T08:00:00Z',
    '2028-02-29T08:00:00.000Z',
    '2028-02-29T08:00:00.000Z',
  ),
  at(
    'anchor on the 31st, before the leap day',
    '2026-01-31T08:00:00Z',
    '2028-02-29T07:59:59.999Z',
    '2028-01-31T08:00:00.000Z',
  ),
  at(
    'anchor on the 31st, April has 30',
    '2026-01-31T08:00:00Z',
    '2027-04-30T08:00:00.000Z',
    '2027-04-30T08:00:00.000Z',
  ),
  at(
    'anchor on the 30th, February',
    '2026-06-30T23:30:00Z',
    '2027-02-28T23:30:00.000Z',
    '2027-02-28T23:30:00.000Z',
  ),
  at(
    'anchor on the 30th, March',
    '2026-06-30T23:30:00Z',
    '2027-03-30T23:29:59.999Z',
    '2027-02-28T23:30:00.000Z',
  ),
  at(
    'anchor on the 29th, no leap year',
    '2026-08-29T00:00:00Z',
    '2027-02-28T00:00:00.000Z',
    '2027-02-28T00:00:00.000Z',
  ),
  at(
    'anchor on the 29th, leap year',
    '2026-08-29T00:00:00Z',
    '2028-02-28T23:59:59.999Z',
    '2028-01-29T00:00:00.000Z',
  ),
  at(
    'anchor on a leap day, a year on',
    '2024-02-29T12:00:00Z',
    '2027-02-28T12:00:00.000Z',
    '2027-02-28T12:00:00.000Z',
  ),
  at(
    'anchor on a leap day, four years on',
    '2024-02-29T12:00:00Z',
    '2028-02-28T12:00:00.000Z',
    '2028-01-29T12:00:00.000Z',
  ),
  at(
    'anchor in the hour that Los Angeles skips',
    '2026-03-14T10:30:00Z',
    '2027-03-14T10:29:59.999Z',
    '2027-02-14T10:30:00.000Z',
  ),
  at('and at its end', '2026-03-14T10:30:00Z', '2027-03-14T10:30:00.000Z', '2027-03-14T10:30:00.000Z'),
  at(
    'anchor with milliseconds',
    '2026-05-10T10:10:10.123Z',
    '2027-05-10T10:10:10.122Z',
    '2027-04-10T10:10:10.123Z',
  ),
  at(
    'and at its end, to the millisecond',
    '2026-05-10T10:10:10.123Z',
    '2027-05-10T10:10:10.123Z',
    '2027-05-10T10:10:10.123Z',
  ),
];

const NOON = '2027-03-01T00:03:00.000Z';
const BEFORE = '2027-02-28T23:57:00.000Z';
const MARCH = '2027-03-01T00:00:00.000Z';

const SAID: BoundaryCase[] = [
  said('the last millisecond of the closed month is late', NOON, '2027-02-28T23:59:59.999Z', MARCH, {
    late: true,
  }),
  said('the first one of the open month is not', NOON, '2027-03-01T00:00:00.000Z', MARCH),
  said('the same in the words of India', NOON, '2027-03-01T05:29:59.999+05:30', MARCH, { late: true }),
  said('the same in the words of India, a millisecond on', NOON, '2027-03-01T05:30:00.000+05:30', MARCH),
  said('the same in the words of Los Angeles', NOON, '2027-02-28T15:59:59.999-08:00', MARCH, { late: true }),
  said('the same in the words of Los Angeles, a millisecond on', NOON, '2027-02-28T16:00:00-08:00', MARCH),
  said('a clock ahead is in the next month already', BEFORE, '2027-03-01T00:00:00.000Z', MARCH),
  said('a clock ahead, but not so far', BEFORE, '2027-02-28T23:59:59.999Z', '2027-02-01T00:00:00.000Z'),
  said('five minutes ahead', BEFORE, '2027-03-01T00:02:00.000Z', MARCH),
  said('a millisecond too far ahead', BEFORE, '2027-03-01T00:02:00.001Z', 'validation_failed'),
  said('35 days back', NOON, '2027-01-25T00:03:00.000Z', MARCH, { late: true }),
  said('a millisecond too far back', NOON, '2027-01-25T00:02:59.999Z', 'late_usage'),
  said('late, and the meter takes none', NOON, '2027-02-28T23:59:59.999Z', 'late_usage', { strict: true }),
  said('not late, and the meter takes it', NOON, '2027-03-01T00:00:00.000Z', MARCH, { strict: true }),
  said(
    'a time that Los Angeles never had',
    '2027-03-14T11:00:00.000Z',
    '2027-03-14T02:30:00.000-08:00',
    MARCH,
  ),
  said(
    'a time that Los Angeles had twice',
    '2027-11-07T10:00:00.000Z',
    '2027-11-07T01:30:00.000-07:00',
    '2027-11-01T00:00:00.000Z',
  ),
  said('without a zone', NOON, '2027-03-01T00:00:00.000', 'validation_failed'),
  said('on 29 February of an ordinary year', NOON, '2027-02-29T00:00:00.000Z', 'validation_failed'),
  said('on 24:00', NOON, '2027-02-28T24:00:00.000Z', 'validation_failed'),
];

export const CASES: readonly BoundaryCase[] = [...CALENDAR, ...ANCHORED, ...SAID];

function at(name: string, anchor: string | null, now: string, wanted: string): BoundaryCase {
  return { name, anchor, now, timestamp: null, wanted };
}

function said(
  name: string,
  now: string,
  timestamp: string,
  wanted: string,
  rest: Pick<BoundaryCase, 'strict' | 'late'> = {},
): BoundaryCase {
  return { name, anchor: null, now, timestamp, wanted, ...rest };
}
