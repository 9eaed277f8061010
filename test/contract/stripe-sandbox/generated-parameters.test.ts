import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parameterTrees } from '../../../sandbox/stripe/generate-parameters';
import { describedOperations, objectProblems, requestProblems } from '../stripe-schemas';

const SANDBOX = join(__dirname, '../../../sandbox/stripe');

describe('Stripe types as the measure', () => {
  it('has committed the parameter trees of the installed stripe package', () => {
    // When this fails: npm run build && node dist/sandbox/stripe/generate-parameters.js, then read the difference.
    expect(readFileSync(join(SANDBOX, 'parameters.generated.json'), 'utf8') === parameterTrees()).toBe(true);
  }, 60_000);

  it('describes the same operations by both generators', () => {
    const trees = JSON.parse(readFileSync(join(SANDBOX, 'parameters.generated.json'), 'utf8')) as {
      operations: object;
    };
    expect(describedOperations().sort()).toEqual(Object.keys(trees.operations).sort());
  }, 90_000);

  it('notices what is wrong with an object', () => {
    const deleted = { id: 'cus_1', object: 'customer', deleted: true };
    expect(objectProblems(deleted)).toEqual([]);
    expect(objectProblems({ ...deleted, extra: 1 })).toHaveLength(1);
    expect(objectProblems({ id: 'cus_1', object: 'customer' })).toHaveLength(1);
    expect(objectProblems({ object: 'unheard_of' })).toHaveLength(1);
    expect(
      objectProblems({
        object: 'list',
        data: [{ ...deleted, id: 7 }],
        has_more: false,
        url: '/v1/customers',
      }),
    ).toHaveLength(1);
  }, 60_000);

  it('notices an enum value that Stripe does not list', () => {
    const coupon = {
      id: 'x',
      object: 'coupon',
      amount_off: null,
      created: 1,
      currency: null,
      duration: 'forever',
      duration_in_months: null,
      livemode: false,
      max_redemptions: null,
      metadata: {},
      name: null,
      percent_off: 10,
      redeem_by: null,
      times_redeemed: 0,
      valid: true,
    };
    expect(objectProblems(coupon)).toEqual([]);
    expect(objectProblems({ ...coupon, duration: 'eternal' })).toHaveLength(1);
  });

  it('notices a request parameter that Stripe does not know', () => {
    expect(requestProblems('POST /v1/customers', { email: 'a@b.co', metadata: { a: '1' } })).toEqual([]);
    expect(requestProblems('POST /v1/customers', { colour: 'red' })).toHaveLength(1);
  });
});
