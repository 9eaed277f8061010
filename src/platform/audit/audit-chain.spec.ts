import { AuditRow, chainHash, GENESIS_HASH } from './audit-chain';

const row: AuditRow = {
  id: '0193cafe-0000-7000-8000-000000000001',
  tenant_id: 'aaaaaaaa-0000-7000-8000-000000000001',
  sequence: 1,
  action: 'TENANT_UPDATED',
  actor_kind: 'admin',
  actor_id: 'bootstrap',
  target_type: 'tenant',
  target_id: 'aaaaaaaa-0000-7000-8000-000000000001',
  before: { name: 'Old', tags: ['a', 'b'] },
  after: { name: 'New', tags: ['a', 'b'] },
  request_id: 'request-1',
  ip: '127.0.0.1',
  occurred_at: '2026-11-21T00:00:00.000Z',
};

describe('the hash of an audit row', () => {
  const hash = chainHash(GENESIS_HASH, row);

  it('has 32 bytes and is the same for the same row, whatever order its keys come in', () => {
    expect(hash).toHaveLength(32);
    expect(
      chainHash(GENESIS_HASH, Object.fromEntries(Object.entries(row).reverse()) as unknown as AuditRow),
    ).toEqual(hash);
  });

  it.each(Object.keys(row) as (keyof AuditRow)[])('covers %s', (column) => {
    const value = row[column];
    const changed =
      typeof value === 'number'
        ? value + 1
        : typeof value === 'string'
          ? `${value}x`
          : { ...value, extra: 1 };
    expect(chainHash(GENESIS_HASH, { ...row, [column]: changed })).not.toEqual(hash);
    if (typeof value !== 'number')
      expect(chainHash(GENESIS_HASH, { ...row, [column]: null })).not.toEqual(hash);
  });

  it('depends on the row before, so that a removed or moved row breaks what follows', () => {
    const second = { ...row, sequence: 2 };
    const third = { ...row, sequence: 3 };
    const whole = chainHash(chainHash(hash, second), third);
    expect(chainHash(hash, third)).not.toEqual(whole);
    expect(chainHash(chainHash(hash, third), second)).not.toEqual(whole);
  });

  it('is the same after the row has been in the database as jsonb', () => {
    const stored = JSON.parse(
      JSON.stringify({ ...row, after: { tags: ['a', 'b'], name: 'New' } }),
    ) as AuditRow;
    expect(chainHash(GENESIS_HASH, stored)).toEqual(hash);
  });
});
