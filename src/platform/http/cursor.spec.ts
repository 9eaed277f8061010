import { ClsServiceManager } from 'nestjs-cls';
import { BillingError } from '../../contracts/errors';
import { TenantId } from '../../contracts/ids';
import type { Config } from '../config/env';
import { CONTEXT_KEYS } from '../context-keys';
import { TenantContext } from '../database/tenant-context';
import { Cursors } from './cursor';

const A = 'aaaaaaaa-0000-7000-8000-000000000001';
const B = 'bbbbbbbb-0000-7000-8000-000000000002';
const POSITION = ['2026-11-21T00:00:00.000Z', A, 7] as const;

const cursors = (appSecret = 'one'): Cursors => new Cursors({ appSecret } as Config, new TenantContext());

/** As if a request of this tenant were running. */
function as<T>(tenantId: string | null, work: () => T): T {
  const cls = ClsServiceManager.getClsService();
  return cls.run({ ifNested: 'override' }, () => {
    if (tenantId) cls.set(CONTEXT_KEYS.tenantId, tenantId as TenantId);
    return work();
  });
}

function isRefused(list: string, cursor: string, tenantId: string | null = A, reader = cursors()): boolean {
  try {
    as(tenantId, () => reader.decode(list, cursor));
    return false;
  } catch (error) {
    if (error instanceof BillingError && error.code === 'invalid_cursor') return true;
    throw error;
  }
}

describe('a cursor', () => {
  const cursor = as(A, () => cursors().encode('plans', POSITION));

  it('gives back where the page ended', () => {
    expect(as(A, () => cursors().decode('plans', cursor))).toEqual(POSITION);
  });

  it('passes through a URL unchanged', () => {
    expect(encodeURIComponent(cursor)).toBe(cursor);
  });

  it.each([
    ['of another tenant', () => isRefused('plans', cursor, B)],
    ["of a tenant in an operator's list", () => isRefused('plans', cursor, null)],
    ['of another list', () => isRefused('invoices', cursor)],
    ['of the same list with another filter', () => isRefused('plans?active=true', cursor)],
    ['signed with another secret', () => isRefused('plans', cursor, A, cursors('two'))],
  ])('%s is refused', (_name, refused) => {
    expect(refused()).toBe(true);
  });

  it("of an operator is refused in a tenant's list", () => {
    const operators = as(null, () => cursors().encode('plans', POSITION));
    expect(isRefused('plans', operators, A)).toBe(true);
    expect(isRefused('plans', operators, null)).toBe(false);
  });

  it('changed in any one character is refused', () => {
    for (let at = 0; at < cursor.length; at++) {
      const other = cursor[at] === 'A' ? 'B' : 'A';
      expect(isRefused('plans', cursor.slice(0, at) + other + cursor.slice(at + 1))).toBe(true);
    }
  });

  it.each([
    '',
    '.',
    'a',
    'a.',
    '.b',
    'a.b',
    `${cursor}.x`,
    `${cursor}=`,
    cursor.replace('.', ''),
    'é.é',
    '\u0000.\u0000',
  ])('%j is refused, not an exception', (text) => expect(isRefused('plans', text)).toBe(true));
});
