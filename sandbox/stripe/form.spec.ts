import fc from 'fast-check';
import { checkParameters } from './check-parameters';
import { StripeApiError } from './errors';
import { parseForm } from './form';

const plain = (text: string): unknown => JSON.parse(JSON.stringify(parseForm(text)));

describe('form', () => {
  it('reads nested, numbered and unnumbered groups', () => {
    expect(
      plain('a=1&items[0][price]=p&items[0][quantity]=2&expand[]=x&expand[]=y&metadata[k]=v%26w'),
    ).toMatchObject({
      a: '1',
      items: { '0': { price: 'p', quantity: '2' } },
      expand: { '0': 'x', '1': 'y' },
      metadata: { k: 'v&w' },
    });
  });

  it.each(['a=1&a[b]=2', 'a[b]=2&a=1', 'a[__proto__][x]=1', '__proto__=1', 'a[b=1'])('refuses %s', (text) => {
    expect(() => parseForm(text)).toThrow(StripeApiError);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('never fails otherwise than with an answer for the client', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          checkParameters('POST /v1/checkout/sessions', parseForm(text));
        } catch (error) {
          expect(error).toBeInstanceOf(StripeApiError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
