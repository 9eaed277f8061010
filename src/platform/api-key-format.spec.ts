import fc from 'fast-check';
import { API_KEY_MAX_LENGTH, makeApiKey, parseApiKey } from './api-key-format';

describe('an API key', () => {
  it('says whose product it is, its mode, an id, a secret of 256 bits and a checksum (S-13)', () => {
    const key = makeApiKey('live');
    expect(key).toMatch(/^tb_live_[a-z0-9]{12}_[A-Za-z0-9_-]{43}[0-9a-f]{6}$/);
    expect(makeApiKey('test')).toMatch(/^tb_test_/);
    expect(key.length).toBeLessThanOrEqual(API_KEY_MAX_LENGTH);
    const parts = parseApiKey(key)!;
    expect(Buffer.from(parts.secret, 'base64url')).toHaveLength(32);
    expect(key).toContain(`_${parts.publicId}_${parts.secret}`);
  });

  it('is never made twice, neither its id nor its secret', () => {
    const keys = Array.from({ length: 2000 }, () => parseApiKey(makeApiKey('test'))!);
    expect(new Set(keys.map((key) => key.publicId)).size).toBe(2000);
    expect(new Set(keys.map((key) => key.secret)).size).toBe(2000);
  });

  it('with one character changed, lost or doubled is not one of ours', () => {
    const key = makeApiKey('live');
    fc.assert(
      fc.property(fc.nat(key.length - 1), fc.string({ minLength: 0, maxLength: 2 }), (at, instead) => {
        fc.pre(instead !== key[at]);
        expect(parseApiKey(key.slice(0, at) + instead + key.slice(at + 1))).toBeNull();
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    '',
    'tb_',
    'sk_live_abc',
    ' '.repeat(60),
    `${makeApiKey('live')}\n`,
    ` ${makeApiKey('live')}`,
    makeApiKey('live').toUpperCase(),
    makeApiKey('live').replace('live', 'prod'),
    'x'.repeat(10_000_000),
  ])('%# is refused without an exception', (text) => {
    expect(parseApiKey(text)).toBeNull();
  });
});
