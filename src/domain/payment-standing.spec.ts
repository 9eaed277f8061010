import fc from 'fast-check';
import { amountInArrears, InvoiceFacts, PaymentState, paymentStateOf } from './payment-standing';

const day = (n: number): Date => new Date(Date.UTC(2026, 3, n));
const NONE: PaymentState = { paymentStatus: 'NONE', paymentFailedAt: null, graceUntil: null };
const invoice = (fields: Partial<InvoiceFacts> = {}): InvoiceFacts => ({
  status: 'open',
  createdAt: day(1),
  amountRemaining: 2900,
  hasFailed: false,
  dueAt: null,
  disputeLost: false,
  ...fields,
});
const paid = (createdAt = day(1)): InvoiceFacts => invoice({ status: 'paid', amountRemaining: 0, createdAt });
const failed = invoice({ hasFailed: true });
const state = (known: PaymentState, invoices: InvoiceFacts[], now = day(5), graceDays = 7): PaymentState =>
  paymentStateOf(known, invoices, now, graceDays);

describe('paymentStateOf', () => {
  it.each<[string, InvoiceFacts[], PaymentState['paymentStatus']]>([
    ['nothing', [], 'NONE'],
    ['a draft', [invoice({ status: 'draft' })], 'NONE'],
    ['a voided one', [invoice({ status: 'void' })], 'NONE'],
    ['an open one', [invoice()], 'PENDING'],
    ['an open one beside a paid one', [invoice(), paid()], 'PENDING'],
    ['paid', [paid()], 'PAID'],
    ['a failed one', [failed, paid(day(3))], 'PAST_DUE'],
    ['sent and not yet due', [invoice({ dueAt: day(6) })], 'PENDING'],
    ['sent and due', [invoice({ dueAt: day(5) })], 'PAST_DUE'],
    ['given up', [invoice({ status: 'uncollectible' }), failed], 'FAILED'],
    ['given up, and paid since', [invoice({ status: 'uncollectible' }), paid(day(2))], 'PAID'],
    ['a dispute lost', [{ ...paid(), disputeLost: true }], 'FAILED'],
  ])('%s', (_name, invoices, expected) => {
    expect(state(NONE, invoices).paymentStatus).toBe(expected);
  });

  it('counts the grace from the first failure, and lets no further attempt lengthen it', () => {
    const first = state(NONE, [failed]);
    expect(first).toEqual({ paymentStatus: 'PAST_DUE', paymentFailedAt: day(5), graceUntil: day(12) });
    expect(state(first, [failed], day(8))).toEqual(first);
    expect(state(first, [failed], day(12))).toEqual({ ...first, paymentStatus: 'OVERDUE' });
    expect(state(first, [paid()], day(13))).toEqual({ ...NONE, paymentStatus: 'PAID' });
  });

  it('knows no grace of 0 days', () => {
    expect(state(NONE, [failed], day(5), 0).paymentStatus).toBe('OVERDUE');
  });

  it('is good again when the debt was voided', () => {
    expect(state(state(NONE, [failed]), [invoice({ status: 'void' })]).paymentStatus).toBe('PAID');
  });

  it('does not depend on the order of invoices, and saying it twice says it once', () => {
    const facts = fc.record({
      status: fc.constantFrom(
        'draft' as const,
        'open' as const,
        'paid' as const,
        'void' as const,
        'uncollectible' as const,
      ),
      createdAt: fc.integer({ min: 1, max: 9 }).map(day),
      amountRemaining: fc.nat(1000),
      hasFailed: fc.boolean(),
      dueAt: fc.option(fc.integer({ min: 1, max: 9 }).map(day)),
      disputeLost: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 6 }), fc.nat(3), (invoices, graceDays) => {
        const once = state(NONE, invoices, day(5), graceDays);
        expect(state(NONE, [...invoices].reverse(), day(5), graceDays)).toEqual(once);
        expect(state(once, invoices, day(5), graceDays)).toEqual(once);
      }),
    );
  });
});

it('adds up what is late', () => {
  expect(
    amountInArrears([failed, invoice(), invoice({ dueAt: day(2), amountRemaining: 100 }), paid()], day(5)),
  ).toBe(3000);
});
