import Stripe from 'stripe';
import { startReceiver, type Receiver } from './receiver';
import { billingUnderTest, DAY, HOUR, periodEnd, type BillingUnderTest } from './billing-harness';

const SECRET = 'whsec_of_the_endpoint_for_notifications';

let account: BillingUnderTest;
let stripe: Stripe;
let receiver: Receiver;
let meter: Stripe.Billing.Meter;
let customer: string;
let used = 0;

beforeAll(async () => {
  account = await billingUnderTest();
  stripe = account.stripe;
  receiver = await startReceiver();
  account.sandbox.setWebhooks([{ url: receiver.url, secret: SECRET, event_payload: 'thin' }]);
});
afterAll(async () => {
  await account.close();
  await receiver.close();
});
beforeEach(async () => {
  meter = await makeMeter('sum');
  customer = await account.payer();
  receiver.received.length = 0;
});
afterEach(() => account.sandbox.setFaults({}));

function makeMeter(formula: 'sum' | 'count' | 'last'): Promise<Stripe.Billing.Meter> {
  used += 1;
  return stripe.billing.meters.create({
    display_name: 'Calls',
    event_name: `calls_${used}`,
    default_aggregation: { formula },
  });
}

function use(
  value: string,
  more: Partial<Stripe.Billing.MeterEventCreateParams> = {},
  of = meter,
): Promise<Stripe.Billing.MeterEvent> {
  return stripe.billing.meterEvents.create({
    event_name: of.event_name,
    payload: { stripe_customer_id: customer, value },
    ...more,
  });
}

const minute = (seconds: number): number => Math.floor(seconds / 60) * 60;

async function total(of = meter): Promise<number> {
  const now = account.now();
  const list = await stripe.billing.meters.listEventSummaries(of.id, {
    customer,
    start_time: minute(now - 30 * DAY),
    end_time: minute(now) + 600,
  });
  return list.data[0]!.aggregated_value;
}

describe('usage', () => {
  it('is summed, counted, or the last of it stays', async () => {
    await use('2');
    await use('0.5');
    expect(await total()).toBe(2.5);
    for (const [formula, expected] of [
      ['count', 2],
      ['last', 7],
    ] as const) {
      const other = await makeMeter(formula);
      await use('9', { timestamp: account.now() - 60 }, other);
      await use('7', {}, other);
      expect(await total(other)).toBe(expected);
    }
  });

  it('counts an identifier once', async () => {
    await use('3', { identifier: `once_${used}` });
    await expect(use('3', { identifier: `once_${used}` })).rejects.toMatchObject({
      statusCode: 400,
      code: 'duplicate_meter_event',
    });
    expect(await total()).toBe(3);
  });

  it('is taken for 35 days back and five minutes ahead', async () => {
    const now = account.now();
    await expect(use('1', { timestamp: now - 35 * DAY - 60 })).rejects.toMatchObject({
      code: 'timestamp_too_far_in_past',
    });
    await expect(use('1', { timestamp: now + 360 })).rejects.toMatchObject({ code: 'timestamp_in_future' });
    await use('1', { timestamp: now - 34 * DAY });
    await use('1', { timestamp: now + 240 });
  });

  it('is taken back for a day', async () => {
    const { identifier } = await use('4');
    await use('1');
    const cancel = { event_name: meter.event_name, type: 'cancel' as const, cancel: { identifier } };
    expect(await stripe.billing.meterEventAdjustments.create(cancel)).toMatchObject({
      cancel: { identifier },
    });
    expect(await total()).toBe(1);
    await expect(stripe.billing.meterEventAdjustments.create(cancel)).rejects.toMatchObject({
      statusCode: 400,
    });
    const late = await use('1');
    await account.goTo(account.now() + DAY + 60);
    await expect(
      stripe.billing.meterEventAdjustments.create({ ...cancel, cancel: { identifier: late.identifier } }),
    ).rejects.toThrow(/24 hours/);
  });

  it('is told by hours', async () => {
    const hour = Math.floor(account.now() / HOUR) * HOUR;
    await use('1', { timestamp: hour - 30 });
    await use('2', { timestamp: hour - 2 * HOUR + 5 });
    await use('3', { timestamp: hour - 2 * HOUR + 9 });
    const { data } = await stripe.billing.meters.listEventSummaries(meter.id, {
      customer,
      start_time: hour - 5 * HOUR,
      end_time: hour,
      value_grouping_window: 'hour',
    });
    expect(data.map(({ start_time, aggregated_value }) => [start_time - hour, aggregated_value])).toEqual([
      [-HOUR, 1],
      [-2 * HOUR, 5],
    ]);
    await expect(
      stripe.billing.meters.listEventSummaries(meter.id, {
        customer,
        start_time: hour - 61,
        end_time: hour,
      }),
    ).rejects.toMatchObject({ param: 'start_time' });
  });

  it('comes by API v2 as well, and a retry under one key is one event', async () => {
    const body = { event_name: meter.event_name, payload: { stripe_customer_id: customer, value: '6' } };
    const key = `key_${used}`;
    const first = await stripe.v2.billing.meterEvents.create(body, { idempotencyKey: key });
    const again = await stripe.v2.billing.meterEvents.create(body, { idempotencyKey: key });
    expect(again.identifier).toBe(first.identifier);
    expect(await total()).toBe(6);
    await expect(
      stripe.v2.billing.meterEvents.create({ ...body, identifier: first.identifier }),
    ).rejects.toMatchObject({ code: 'duplicate_meter_event' });
  });

  it('is what an invoice of a metered price asks for', async () => {
    const price = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 30,
      recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
      product_data: { name: 'Calls' },
    });
    const subscription = await account.subscribe([{ price: price.id }], { customer });
    await use('5', { timestamp: account.now() + 60 });
    await account.goTo(periodEnd(subscription) + 2 * HOUR);
    const [, renewal] = await account.invoicesOf(subscription.id);
    const invoices = await account.invoicesOf(subscription.id);
    expect((renewal ?? invoices.at(-1))!.total).toBe(150);
  });
});

describe('usage that can not be counted', () => {
  const cases: [string, () => Promise<unknown>, string][] = [
    ['for nobody', () => use('1', { payload: { value: '1' } }), 'meter_event_no_customer_defined'],
    [
      'for an unknown customer',
      () => use('1', { payload: { stripe_customer_id: 'cus_nobody', value: '1' } }),
      'meter_event_customer_not_found',
    ],
    ['that is no number', () => use('many'), 'meter_event_invalid_value'],
    ['with too many digits', () => use('1234567890123456'), 'meter_event_value_too_many_digits'],
    [
      'of an archived meter',
      async () => {
        await stripe.billing.meters.deactivate(meter.id);
        await use('1');
      },
      'archived_meter',
    ],
    [
      'by the fault meter_error',
      async () => {
        account.sandbox.setFaults({ meter_error: 1 });
        await use('1');
      },
      'meter_event_invalid_value',
    ],
  ];

  it.each(cases)('%s is accepted, told by a notification, and not counted', async (_name, send, code) => {
    await send();
    await account.sandbox.deliveriesIdle();
    const [told] = receiver.received;
    const notification = stripe.parseEventNotification(told!.body, told!.signature, SECRET);
    expect(notification).toMatchObject({
      type: 'v1.billing.meter.error_report_triggered',
      related_object: { id: meter.id, type: 'billing.meter' },
    });
    expect(JSON.parse(told!.body)).not.toHaveProperty('data');
    const answer = await fetch(`${account.sandbox.url}/v2/core/events/${notification.id}`, {
      headers: { authorization: `Bearer ${account.sandbox.secretKey}` },
    });
    expect(await answer.json()).toMatchObject({
      data: { reason: { error_count: 1, error_types: [{ code }] } },
    });
    expect(await total()).toBe(0);
  });

  it('because there is no meter, is told without one', async () => {
    await stripe.billing.meterEvents.create({
      event_name: 'nobody_counts_this',
      payload: { stripe_customer_id: customer, value: '1' },
    });
    await account.sandbox.deliveriesIdle();
    expect(receiver.received.map(({ type }) => type)).toEqual(['v1.billing.meter.no_meter_found']);
  });
});
