import { addDuration, parseDuration } from './duration';

const from = new Date('2026-01-31T10:00:00Z');
const after = (text: string): string => addDuration(from, parseDuration(text)!).toISOString();

it.each([
  ['P14D', '2026-02-14T10:00:00.000Z'],
  ['P2W', '2026-02-14T10:00:00.000Z'],
  ['P1M', '2026-02-28T10:00:00.000Z'],
  ['P1M1D', '2026-03-01T10:00:00.000Z'],
  ['P1Y1M', '2027-02-28T10:00:00.000Z'],
  ['PT36H', '2026-02-01T22:00:00.000Z'],
  ['PT90M5S', '2026-01-31T11:30:05.000Z'],
  ['P1DT1S', '2026-02-01T10:00:01.000Z'],
])('adds %s', (text, moment) => {
  expect(after(text)).toBe(moment);
});

it.each(['', 'P', 'PT', 'P1DT', '14D', 'P-1D', 'P1.5D', 'P1H', 'p1d', 'P1D ', 'PT1D', '-P1D'])(
  'does not take %p',
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);
