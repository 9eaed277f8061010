import fc from 'fast-check';
import {
  ChangeFacts,
  differenceOf,
  directionOf,
  excessOf,
  quoteChange,
  startsNewPeriod,
} from './plan-change';
import { makePlan } from './plan-facts.fixture';

const day = (n: number): Date => new Date(Date.UTC(2026, 3, n));
const starter = makePlan({
  id: 'starter',
  amount: 3000,
  limits: { seats: 5, campaigns: null },
  features: ['a', 'b'],
});
const pro = makePlan({
  id: 'pro',
  slug: 'pro-monthly',
  amount: 9000,
  limits: { seats: 20, campaigns: 3 },
  features: ['b', 'c'],
});
const proYearly = makePlan({ id: 'pro-y', slug: 'pro-yearly', amount: 90_000, interval: 'year' });
const free = makePlan({ id: 'free', amount: 0 });
const one = (plan: typeof starter, quantity = 1) => ({ plan, quantity });
const facts = (fields: Partial<ChangeFacts> = {}): ChangeFacts => ({
  from: one(starter),
  to: one(pro),
  period: { start: day(1), end: day(31) },
  isTrial: false,
  discount: null,
  mode: 'flexible',
  debits: null,
  effective: 'now',
  now: day(16),
  ...fields,
});

describe('directionOf', () => {
  it.each([
    [null, one(starter), 'upgrade'],
    [one(free), one(starter), 'upgrade'],
    [one(starter), one(pro), 'upgrade'],
    [one(pro), one(starter), 'downgrade'],
    [one(pro), one(proYearly), 'sidegrade'],
    [one(pro), one(proYearly, 3), 'upgrade'],
    [one(starter, 2), one(starter, 3), 'upgrade'],
    [one(starter, 3), one(starter, 2), 'downgrade'],
    [one(starter), one(starter), 'none'],
    [one(starter), one(makePlan({ id: 'yen', currency: 'jpy', amount: 1 })), 'sidegrade'],
  ] as const)('%#', (from, to, expected) => {
    expect(directionOf(from, to)).toBe(expected);
  });
});

describe('differenceOf', () => {
  it('says what is won and lost', () => {
    expect(differenceOf(starter, pro)).toEqual({
      limits: [
        { metric: 'campaigns', from: null, to: 3, direction: 'lowered' },
        { metric: 'seats', from: 5, to: 20, direction: 'raised' },
      ],
      features_won: ['c'],
      features_lost: ['a'],
    });
    expect(differenceOf(null, pro).features_won).toEqual(['b', 'c']);
  });
});

describe('excessOf', () => {
  it('lists what is used above the new limits, exactly', () => {
    const usage = [
      { metric: 'seats', used: 7 },
      { metric: 'campaigns', used: 900 },
      { metric: 'storage', used: '0.5' },
      { metric: 'email_sends', used: 0 },
    ];
    expect(excessOf(usage, starter.limits)).toEqual([
      { metric: 'seats', used: 7, limit: 5, excess: 2 },
      { metric: 'storage', used: '0.5', limit: 0, excess: '0.5' },
    ]);
    expect(excessOf([{ metric: 'seats', used: 5 }], starter.limits)).toEqual([]);
  });
});

describe('quoteChange', () => {
  it('charges an upgrade in proportion and keeps the billing date', () => {
    expect(quoteChange(facts())).toMatchObject({
      direction: 'upgrade',
      amountDue: 3000,
      credit: 1500,
      creditLeft: 0,
      effectiveAt: day(16),
      nextInvoice: { amount: 9000, at: day(31) },
      revenue: { kind: 'expansion', amount: 6000 },
    });
  });

  it('keeps what a downgrade gives back for later invoices', () => {
    const quote = quoteChange(facts({ from: one(pro), to: one(starter) }));
    expect(quote).toMatchObject({ direction: 'downgrade', amountDue: 0, credit: 4500, creditLeft: 3000 });
  });

  it('costs nothing now at the period end', () => {
    const quote = quoteChange(facts({ from: one(pro), to: one(starter), effective: 'period_end' }));
    expect(quote).toMatchObject({
      amountDue: 0,
      credit: 0,
      lines: [],
      effectiveAt: day(31),
      nextInvoice: { amount: 3000, at: day(31) },
    });
  });

  it('starts a new period when the interval changes, from free, and out of a trial', () => {
    expect(quoteChange(facts({ from: one(pro), to: one(proYearly) }))).toMatchObject({
      amountDue: 90_000 - 4500,
      nextInvoice: { at: new Date(Date.UTC(2027, 3, 16)) },
    });
    expect(quoteChange(facts({ from: one(free) })).amountDue).toBe(9000);
    expect(quoteChange(facts({ isTrial: true }))).toMatchObject({ amountDue: 9000, credit: 0 });
    expect(quoteChange(facts({ from: null, period: null }))).toMatchObject({
      amountDue: 9000,
      nextInvoice: { at: day(46) },
    });
    expect(startsNewPeriod(facts())).toBe(false);
  });

  it('refuses a second currency', () => {
    expect(() => quoteChange(facts({ to: one(makePlan({ id: 'y', currency: 'jpy' })) }))).toThrow(RangeError);
  });

  it('says the same for the moment that it names: previewing and carrying out have one brain', () => {
    const plans = fc.constantFrom(starter, pro, proYearly);
    fc.assert(
      fc.property(
        plans,
        plans,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 30 * 86_400_000 }),
        (a, b, quantity, ms) => {
          const asked = facts({ from: one(a), to: one(b, quantity), now: new Date(day(1).getTime() + ms) });
          const quote = quoteChange(asked);
          expect(quoteChange({ ...asked, now: quote.prorationDate })).toEqual(quote);
          expect(quote.amountDue - quote.creditLeft).toBe(
            quote.lines.reduce((sum, { amount }) => sum + amount, 0),
          );
        },
      ),
    );
  });
});
