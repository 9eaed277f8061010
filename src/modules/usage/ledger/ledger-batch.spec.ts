import * as fc from 'fast-check';
import type { TenantId } from '../../../contracts/ids';
import { LedgerBatch, RecordedRow } from './ledger-batch';
import { CounterTarget, LedgerEntry } from './ledger-entry';

const TENANTS = [
  '00000000-0000-7000-8000-00000000000b',
  '00000000-0000-7000-8000-00000000000a',
] as TenantId[];

const target = (fields: Partial<CounterTarget> = {}): CounterTarget => ({
  tenantId: TENANTS[0]!,
  metric: 'email_sends',
  rule: 'sum',
  periodStart: new Date('2026-11-01T00:00:00Z'),
  periodEnd: new Date('2026-12-01T00:00:00Z'),
  mostUsed: 100,
  version: 1,
  ...fields,
});

const entry = (fields: Partial<LedgerEntry> = {}): LedgerEntry => ({
  target: target(),
  eventId: 'one',
  quantity: 1,
  at: null,
  subject: null,
  metadata: null,
  keyId: null,
  ...fields,
});

const row = (fields: Partial<RecordedRow>): RecordedRow => ({
  stale: null,
  used: '{}',
  reserved: '{}',
  version: '{}',
  odd: null,
  odd_status: null,
  generation: '1',
  ...fields,
});

const at = (batch: LedgerBatch, index: number): unknown => batch.parameters(new Date(0), true)[index];

describe('a batch on its way to Postgres', () => {
  it('names its counters in the order in which everybody locks them', () => {
    const batch = new LedgerBatch([
      entry({ eventId: 'a', target: target({ metric: 'seats' }) }),
      entry({ eventId: 'b', target: target({ tenantId: TENANTS[1]! }) }),
      entry({ eventId: 'c', target: target() }),
    ]);
    expect(at(batch, 2)).toBe(`{${TENANTS[1]},${TENANTS[0]},${TENANTS[0]}}`);
    expect(at(batch, 3)).toBe('{"email_sends","email_sends","seats"}');
    expect(at(batch, 10)).toBe('{3,1,2}');
  });

  it('counts one counter once, however many targets say it', () => {
    const batch = new LedgerBatch([
      entry({ eventId: 'a', target: target(), quantity: 2 }),
      entry({ eventId: 'b', target: target(), quantity: 3 }),
    ]);
    expect(at(batch, 9)).toBe('{5}');
  });

  it('adds up exactly what no double can hold', () => {
    const batch = new LedgerBatch([
      entry({ eventId: 'a', quantity: 9_007_199_254_740_991 }),
      entry({ eventId: 'b', quantity: 2 }),
      entry({ eventId: 'c', quantity: '0.1' }),
    ]);
    expect(at(batch, 9)).toBe('{9007199254740993.1}');
  });

  it('is decided row by row where a sum says nothing', () => {
    for (const odd of [{ quantity: -1 }, { target: target({ rule: 'max' }) }]) {
      const batch = new LedgerBatch([entry({ eventId: 'a', ...odd })]);
      expect([at(batch, 1), at(batch, 9)]).toEqual([false, '{NULL}']);
    }
  });

  it('keeps any text a text', () => {
    const subject = 'a "quoted" \\ {list}, NULL';
    const batch = new LedgerBatch([entry({ eventId: 'NULL', subject }), entry({ eventId: 'b' })]);
    expect(at(batch, 11)).toBe('{"NULL","b"}');
    expect(at(batch, 14)).toBe('{"a \\"quoted\\" \\\\ {list}, NULL",NULL}');
  });
});

describe('the answer of Postgres', () => {
  it('gives every event the number right after it', () => {
    const batch = new LedgerBatch([
      entry({ eventId: 'a', quantity: 2 }),
      entry({ eventId: 'b', quantity: 50 }),
      entry({ eventId: 'c', quantity: '0.5' }),
    ]);
    const answer = row({ used: '{12.5}', reserved: '{1}', odd: [2], odd_status: ['limit_exceeded'] });
    expect(batch.outcomes(answer)).toEqual([
      { status: 'recorded', used: '12', reserved: '1' },
      { status: 'limit_exceeded', used: '12', reserved: '1' },
      { status: 'recorded', used: '12.5', reserved: '1' },
    ]);
    expect(batch.keysRefused([2], ['limit_exceeded'])).toEqual(batch.counterKeys);
  });

  it('agrees with adding up forwards', () => {
    const quantity = fc.oneof(
      fc.integer({ min: 1, max: 1000 }),
      fc.bigInt({ min: 1n, max: 10n ** 20n }).map(String),
    );
    fc.assert(
      fc.property(fc.array(quantity, { minLength: 1, maxLength: 30 }), fc.nat(1000), (quantities, before) => {
        const batch = new LedgerBatch(
          quantities.map((amount, index) => entry({ eventId: `e${index}`, quantity: amount })),
        );
        let used = BigInt(before);
        const expected = quantities.map((amount) => String((used += BigInt(amount))));
        const outcomes = batch.outcomes(row({ used: `{${used}}`, reserved: '{0}' }));
        expect(outcomes.map((outcome) => outcome.used)).toEqual(expected);
      }),
    );
  });

  it('says that nothing was done when entitlements have changed', () => {
    expect(new LedgerBatch([entry()]).outcomes(row({ stale: [1] }))).toEqual([
      { status: 'stale', used: '0', reserved: '0' },
    ]);
  });
});
