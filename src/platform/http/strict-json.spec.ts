import fc from 'fast-check';
import { BillingError, ErrorCode } from '../../contracts/errors';
import { parseStrictJson } from './strict-json';

const FORBIDDEN = ['__proto__', 'constructor', 'prototype'];

function parse(text: string): unknown {
  return parseStrictJson(Buffer.from(text));
}

function refusal(body: string | Buffer): { code: ErrorCode; field?: string } | null {
  try {
    parseStrictJson(Buffer.isBuffer(body) ? body : Buffer.from(body));
    return null;
  } catch (error) {
    if (!(error instanceof BillingError)) throw error;
    return { code: error.code, ...(error.errors?.[0] ? { field: error.errors[0].code } : {}) };
  }
}

/** JSON whose texts we can store: well formed, without NUL and without the names that reach prototypes. */
const storable = fc
  .jsonValue({ stringUnit: 'binary', maxDepth: 5 })
  .filter((value) => !/\\u0000|"(__proto__|constructor|prototype)":/.test(JSON.stringify(value)));

describe('a body that is strict JSON', () => {
  it('is what JSON.parse says it is, however it is spaced', () => {
    fc.assert(
      fc.property(storable, fc.constantFrom(0, 1, '\t', '\r\n '), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it.each(['null', '0', '-1.5e3', '""', '[]', '{}', ' {"a" : [ ] } ', '"\\ud83d\\ude00"', '"{[,:\\"\\\\"'])(
    'may be %s',
    (text) => expect(parse(text)).toEqual(JSON.parse(text)),
  );

  it('may use one key in two objects, and a key as a value', () => {
    const text = '{"a":{"a":"a"},"b":[{"a":1},{"a":2}],"c":"a"}';
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it('is refused or parsed, never anything else, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        refusal(Buffer.from(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it('is refused exactly when JSON.parse refuses it, one random edit away from good JSON', () => {
    const tokens = fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '1', 'e', '-', ' ', 'null', '\n');
    fc.assert(
      fc.property(storable, fc.nat(), tokens, (value, place, token) => {
        const text = JSON.stringify(value);
        const at = place % (text.length + 1);
        const edited = text.slice(0, at) + token + text.slice(at);
        let valid = true;
        try {
          JSON.parse(edited);
        } catch {
          valid = false;
        }
        const answer = refusal(edited);
        if (!valid) expect(answer?.code).toBe('invalid_json');
        // An edit may also make two keys equal; nothing else may refuse valid JSON here.
        else if (answer !== null) expect(answer.code).toBe('invalid_json');
      }),
      { numRuns: 1000 },
    );
  });
});

describe('two equal keys in one object (B-055)', () => {
  it.each([
    ['plain', '{"qty":1,"qty":1000}'],
    ['spelled with an escape', '{"a":1,"\\u0061":2}'],
    ['both spelled with escapes', '{"\\u0061":1,"\\u0061":2}'],
    ['an escaped slash', '{"a/b":1,"a\\/b":2}'],
    ['deep inside', '{"a":[1,{"b":{"c":1,"c":1}}]}'],
    ['after a nested object', '{"a":{"b":1},"a":2}'],
    ['after a list with commas', '{"a":[1,2,3],"b":"x,y","a":2}'],
    ['empty keys', '{"":1,"":2}'],
    ['with the same value', '{"a":1,"a":1}'],
  ])('%s is refused', (_name, text) => {
    expect(refusal(text)).toEqual({ code: 'invalid_json' });
  });

  it('are found wherever they stand', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 20 }),
        fc.nat(),
        fc.nat(),
        (names, which, where) => {
          const keys = names.filter((name) => !FORBIDDEN.includes(name) && !name.includes('\u0000'));
          fc.pre(keys.length > 0);
          const again = keys[which % keys.length]!;
          const doubled = keys.toSpliced(where % (keys.length + 1), 0, again);
          const object = (list: string[]): string =>
            `{${list.map((key) => `${JSON.stringify(key)}:[{"x":1}]`).join(',')}}`;
          expect(refusal(object(keys))).toBeNull();
          expect(refusal(object(doubled))).toEqual({ code: 'invalid_json' });
        },
      ),
    );
  });
});

describe('text that two readers could read differently (B-053, B-054)', () => {
  it.each([
    ['a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{}')])],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le')],
    ['a cut UTF-8 sequence', Buffer.concat([Buffer.from('"'), Buffer.from([0xc3]), Buffer.from('"')])],
    ['an overlong encoding', Buffer.concat([Buffer.from('"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"')])],
    ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a lone high surrogate', Buffer.from('"\\ud800"')],
    ['a lone low surrogate in a key', Buffer.from('{"\\udc00":1}')],
    ['surrogates the wrong way round', Buffer.from('["\\udc00\\ud800"]')],
    ['a truncated document', Buffer.from('{"a":')],
    ['NaN', Buffer.from('NaN')],
    ['a trailing comma', Buffer.from('[1,]')],
    ['two documents', Buffer.from('{}{}')],
    ['a comment', Buffer.from('{}//')],
    ['single quotes', Buffer.from("{'a':1}")],
    ['a raw line break in a text', Buffer.from('"a\nb"')],
    ['nothing but spaces', Buffer.from('  ')],
  ])('%s is invalid_json', (_name, bytes) => {
    expect(refusal(bytes)).toEqual({ code: 'invalid_json' });
  });
});

describe('names and texts that we never store', () => {
  it.each(FORBIDDEN)('%s as a key is refused, at the top and deep inside (B-061)', (name) => {
    const answer = { code: 'validation_failed', field: 'forbidden_key' };
    expect(refusal(`{"${name}":{"isAdmin":true}}`)).toEqual(answer);
    expect(refusal(`{"a":[{"b":{"${name}":1}}]}`)).toEqual(answer);
    expect(refusal(`{"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}":1}`)).toEqual(answer);
    expect(refusal(`{"a":"${name}"}`)).toBeNull();
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
  });

  it('U+0000 is refused in texts and in keys, with a pointer to it (B-065)', () => {
    expect(refusal('"\\u0000"')).toEqual({ code: 'validation_failed', field: 'invalid_text' });
    expect(refusal('{"a\\u0000":1}')).toEqual({ code: 'validation_failed', field: 'invalid_text' });
    try {
      parse('{"a/b":[1,{"c~d":"x\\u0000y"}]}');
      throw new Error('was accepted');
    } catch (error) {
      expect((error as BillingError).errors?.[0]?.pointer).toBe('/a~1b/1/c~0d');
    }
  });
});

describe('size inside the size limit (B-056)', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

  it('may be 32 levels deep and no deeper', () => {
    expect(refusal(nested(32))).toBeNull();
    expect(refusal(nested(33))).toEqual({ code: 'validation_failed', field: 'too_large' });
    expect(refusal(nested(1000))).toEqual({ code: 'validation_failed', field: 'too_large' });
    expect(refusal('{"a":'.repeat(33) + '1' + '}'.repeat(33))?.field).toBe('too_large');
  });

  it('may have 10,000 members in one list or object and no more', () => {
    const list = (length: number): string => `[${Array(length).fill('0').join(',')}]`;
    const object = (length: number): string =>
      `{${Array.from({ length }, (_, index) => `"k${index}":0`).join(',')}}`;
    expect(refusal(list(10_000))).toBeNull();
    expect(refusal(list(10_001))?.field).toBe('too_large');
    expect(refusal(object(10_000))).toBeNull();
    expect(refusal(object(10_001))?.field).toBe('too_large');
  });

  it('survives two million open brackets', () => {
    expect(refusal('['.repeat(2_000_000))?.code).toMatch(/^(invalid_json|validation_failed)$/);
  });

  it('is judged in time that does not stall the others', () => {
    const million = Buffer.from(`[${'0,'.repeat(999_999)}0]`);
    const events = Array.from({ length: 9000 }, (_, index) => ({
      id: `event-${index}`,
      note: 'x'.repeat(420),
    }));
    const bodies = [million, Buffer.from(JSON.stringify({ events }))];
    const taken = bodies.map((bytes) => {
      const started = performance.now();
      refusal(bytes);
      return Math.round(performance.now() - started);
    });
    // Measured 20 to 60 ms on two quiet cores; the bound only catches a change of its order.
    expect(Math.max(...taken)).toBeLessThan(2000);
  });
});
