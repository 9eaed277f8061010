import fc from 'fast-check';
import { isUuid } from '../contracts/ids';
import { canonicalJson, equalDigests, hmacSha256, sha256, uuidV7 } from './crypto';

describe('uuidV7', () => {
  it('is a UUID of version 7 in the variant of the RFC', () => {
    for (const nowMs of [0, 1, Date.UTC(2026, 10, 21), 2 ** 48 - 1]) {
      const id = uuidV7(nowMs);
      expect(isUuid(id)).toBe(true);
      expect(id).toMatch(/^.{14}7.{4}[89ab]/);
    }
  });

  it('sorts by birth, as text', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.integer({ min: 1, max: 2 ** 31 }), (start, later) => {
        const then = 1_700_000_000_000 + start;
        expect(uuidV7(then) < uuidV7(then + later)).toBe(true);
      }),
    );
  });

  it('carries its birth', () => {
    const nowMs = Date.UTC(2026, 10, 21, 12, 34, 56, 789);
    expect(parseInt(uuidV7(nowMs).replaceAll('-', '').slice(0, 12), 16)).toBe(nowMs);
  });

  it('differs within one millisecond', () => {
    expect(new Set(Array.from({ length: 10_000 }, () => uuidV7(1))).size).toBe(10_000);
  });
});

describe('equalDigests', () => {
  it('is true for equal bytes only, and no exception for unequal lengths', () => {
    expect(equalDigests(sha256('a'), sha256('a'))).toBe(true);
    expect(equalDigests(sha256('a'), sha256('b'))).toBe(false);
    expect(equalDigests(sha256('a'), Buffer.from('a'))).toBe(false);
    expect(equalDigests(Buffer.alloc(0), sha256('a'))).toBe(false);
  });

  it('tells keyed digests apart', () => {
    expect(equalDigests(hmacSha256('key', 'text'), hmacSha256('key', 'text'))).toBe(true);
    expect(equalDigests(hmacSha256('key', 'text'), hmacSha256('yek', 'text'))).toBe(false);
  });
});

describe('canonicalJson', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, shuffled(member)]),
    );
  };

  it('is the same text whatever order the keys came in', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
      }),
    );
  });

  it('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('differs for values that differ', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        // JSON has one zero.
        const same = JSON.stringify(shuffled(one)) === JSON.stringify(shuffled(other));
        if (canonicalJson(one) === canonicalJson(other))
          expect(JSON.parse(JSON.stringify(one))).toEqual(JSON.parse(JSON.stringify(other)));
        else expect(same).toBe(false);
      }),
    );
  });

  it('leaves out what is undefined and writes dates as JSON does', () => {
    expect(canonicalJson({ b: undefined, a: new Date(0), c: [undefined, null] })).toBe(
      '{"a":"1970-01-01T00:00:00.000Z","c":[null,null]}',
    );
    expect(canonicalJson(undefined)).toBe('null');
  });
});
