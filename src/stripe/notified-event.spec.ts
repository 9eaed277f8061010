import fc from 'fast-check';
import { isThin, NotifiedEvent, payloadProblem, toNotifiedEvent, toThinEvent } from './notified-event';

const PERIOD_END = 1_792_000_000;

function eventWith(fields: Record<string, unknown>): unknown {
  return {
    id: 'evt_1',
    object: 'event',
    type: 'customer.subscription.updated',
    api_version: '2026-10-28.endive',
    created: 1_790_000_000,
    livemode: false,
    data: {
      object: {
        id: 'sub_1',
        object: 'subscription',
        customer: 'cus_1',
        items: { data: [{ id: 'si_1', current_period_end: PERIOD_END }] },
      },
    },
    ...fields,
  };
}

const read = (fields: Record<string, unknown> = {}): NotifiedEvent | null =>
  toNotifiedEvent(eventWith(fields));
const withObject = (object: unknown): NotifiedEvent | null => read({ data: { object } });

describe('a snapshot event', () => {
  it('is read as far as the inbox needs it', () => {
    expect(read()).toMatchObject({
      id: 'evt_1',
      type: 'customer.subscription.updated',
      apiVersion: '2026-10-28.endive',
      livemode: false,
      createdAt: new Date(1_790_000_000_000),
      objectId: 'sub_1',
      objectType: 'subscription',
      customerId: 'cus_1',
    });
  });

  it.each([
    ['a customer is its own', { id: 'cus_2', object: 'customer' }, 'cus_2'],
    ['an id', { id: 'in_1', object: 'invoice', customer: 'cus_2' }, 'cus_2'],
    ['an expanded customer', { id: 'in_1', object: 'invoice', customer: { id: 'cus_2' } }, 'cus_2'],
    ['nobody', { id: 'pr_1', object: 'price' }, null],
    ['null', { id: 'cs_1', object: 'checkout.session', customer: null }, null],
    ['a number', { id: 'cs_1', object: 'checkout.session', customer: 7 }, null],
    ['a list', { id: 'cs_1', object: 'checkout.session', customer: ['cus_2'] }, null],
  ])('belongs to a customer: %s', (_name, object, customerId) => {
    expect(withObject(object)?.customerId).toBe(customerId);
  });

  it.each([
    null,
    [],
    'text',
    7,
    {},
    { id: 'evt_1' },
    { id: '', type: 'x' },
    { id: 'evt_1', type: 7 },
    { id: 'evt 1', type: 'x' },
    { id: 'e'.repeat(256), type: 'x' },
    { id: 'evt_1', type: 'x'.repeat(201) },
    { id: 'evt_1', type: 'x\u0000' },
    { id: 'evt_\u0000', type: 'x' },
  ])('is not %j', (body) => {
    expect(toNotifiedEvent(body)).toBeNull();
  });

  it('with odd members is kept, the odd ones as nothing', () => {
    expect(read({ api_version: 7, livemode: 'no', created: 'yesterday', data: 'x' })).toMatchObject({
      apiVersion: null,
      livemode: null,
      createdAt: new Date(0),
      objectId: null,
      customerId: null,
      previousCustomerId: null,
    });
    expect(read({ created: 1e15 })!.createdAt.getTime()).toBeLessThan(8.64e15);
    expect(read({ created: -5 })!.createdAt).toEqual(new Date(0));
    expect(read({ api_version: 'a\u0000b' })!.apiVersion).toBeNull();
  });

  it('never raises an exception, whatever JSON stands in it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (object, customer, created) => {
        const event = read({ created, data: { object } });
        expect(Number.isNaN(event!.createdAt.getTime())).toBe(false);
        const other = withObject({ id: customer, object: 'invoice', customer });
        payloadProblem(other!);
      }),
    );
  });

  it('with __proto__ inside pollutes nothing (B-030)', () => {
    const body = JSON.parse(
      '{"id":"evt_1","type":"x","__proto__":{"polluted":1},"data":{"object":{"__proto__":{"id":"sub_9","customer":"cus_9"}}}}',
    ) as unknown;
    const event = toNotifiedEvent(body);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(event).toMatchObject({ objectId: null, customerId: null });
  });
});

describe('a thin event', () => {
  it('is known by its object', () => {
    expect(isThin({ object: 'v2.core.event' })).toBe(true);
    for (const body of [eventWith({}), null, [], 'v2.core.event', { object: 'event' }])
      expect(isThin(body)).toBe(false);
  });
});

describe('the payload of a subscription event (B-021)', () => {
  const problem = (items: unknown): string | null =>
    payloadProblem(withObject({ id: 'sub_1', object: 'subscription', customer: 'cus_1', items })!);

  it('is in order with items that have a period', () => {
    expect(problem({ data: [{ current_period_end: PERIOD_END }] })).toBeNull();
  });

  it.each([undefined, null, {}, { data: [] }, { data: {} }, []])('has a problem with items %j', (items) => {
    expect(problem(items)).toMatch(/without items/);
  });

  it.each([undefined, null, 0, -1, 1.5, 1e15, '1792000000', PERIOD_END * 1000])(
    'has a problem with current_period_end %j',
    (end) => {
      const good = { current_period_end: PERIOD_END };
      expect(problem({ data: [good, { current_period_end: end }] })).toMatch(/current_period_end/);
    },
  );

  it('is not looked for in events about other things', () => {
    expect(payloadProblem(read({ type: 'invoice.paid' })!)).toBeNull();
    expect(payloadProblem(withObject({ id: 'x', object: 'discount' })!)).toBeNull();
  });
});

describe('an event notification', () => {
  const NOTIFICATION = {
    id: 'evt_test_1',
    object: 'v2.core.event',
    type: 'v1.billing.meter.error_report_triggered',
    created: '2026-11-21T09:30:00.000Z',
    livemode: false,
    related_object: { id: 'mtr_1', type: 'billing.meter', url: '/v1/billing/meters/mtr_1' },
  };

  it('names its object and says nothing of it', () => {
    expect(toThinEvent(NOTIFICATION)).toEqual({
      id: 'evt_test_1',
      type: 'v1.billing.meter.error_report_triggered',
      apiVersion: null,
      livemode: false,
      createdAt: new Date('2026-11-21T09:30:00.000Z'),
      objectId: 'mtr_1',
      objectType: 'billing.meter',
      customerId: null,
      previousCustomerId: null,
      object: {},
    });
  });

  it.each([
    ['a snapshot event', { ...NOTIFICATION, object: 'event' }],
    ['no id', { ...NOTIFICATION, id: 7 }],
    ['no type', { ...NOTIFICATION, type: null }],
    ['a list', [NOTIFICATION]],
    ['nothing', null],
  ])('is not %s', (_name, body) => {
    expect(toThinEvent(body)).toBeNull();
  });

  it('may be about nothing, and of no sensible time', () => {
    const event = toThinEvent({ ...NOTIFICATION, related_object: null, created: 'yesterday' });
    expect(event).toMatchObject({ objectId: null, objectType: null, createdAt: new Date(0) });
  });
});
