import type Stripe from 'stripe';
import { billingUnderTest, DAY, firstItem, HOUR, periodEnd, type BillingUnderTest } from './billing-harness';

describe('subscription schedules of the Stripe sandbox', () => {
  let under: BillingUnderTest;
  let stripe: Stripe;

  beforeEach(async () => {
    under = await billingUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterEach(() => under.close());

  /** A subscription on the large price, scheduled down to the small one at the end of its period. */
  async function scheduledDowngrade(more: Partial<Stripe.SubscriptionScheduleUpdateParams> = {}) {
    const [large, small] = [await under.price(3000), await under.price(1000)];
    const made = await under.subscribe([{ price: large.id, quantity: 2 }]);
    const schedule = await stripe.subscriptionSchedules.create({ from_subscription: made.id });
    const current = schedule.phases[0] as Stripe.SubscriptionSchedule.Phase;
    const updated = await stripe.subscriptionSchedules.update(schedule.id, {
      end_behavior: 'release',
      phases: [
        {
          start_date: current.start_date,
          end_date: current.end_date,
          items: [{ price: large.id, quantity: 2 }],
        },
        {
          items: [{ price: small.id, quantity: 1 }],
          duration: { interval: 'month', interval_count: 1 },
          proration_behavior: 'none',
          metadata: { plan: 'small' },
        },
      ],
      ...more,
    });
    return { large, small, made, schedule: updated };
  }

  it('take a subscription over as it is', async () => {
    const { made, schedule, large } = await scheduledDowngrade();
    expect(schedule).toMatchObject({
      status: 'active',
      subscription: made.id,
      end_behavior: 'release',
      current_phase: { start_date: firstItem(made).current_period_start, end_date: periodEnd(made) },
    });
    const under_ = await stripe.subscriptions.retrieve(made.id, { expand: ['schedule'] });
    expect(under_.schedule).toMatchObject({ id: schedule.id });
    expect(firstItem(under_)).toMatchObject({ price: { id: large.id }, quantity: 2 });
    await expect(stripe.subscriptionSchedules.create({ from_subscription: made.id })).rejects.toThrow(
      /already attached/,
    );
    expect(
      (await stripe.subscriptionSchedules.list({ customer: made.customer as string })).data,
    ).toHaveLength(1);
    expect(await stripe.subscriptionSchedules.retrieve(schedule.id)).toEqual(
      expect.objectContaining({ id: schedule.id }),
    );
  });

  it('change the plan at the end of the period, before the renewal is priced, and are released after', async () => {
    const { made, schedule, small } = await scheduledDowngrade();
    const end = periodEnd(made);
    const fired = await under.goTo(end + HOUR);
    expect(fired.filter(({ at }) => at === end).map(({ what }) => what)).toEqual([
      'schedule_phase',
      'renewal',
    ]);
    const after = await stripe.subscriptions.retrieve(made.id);
    expect(firstItem(after)).toMatchObject({ price: { id: small.id }, quantity: 1 });
    expect(after.metadata).toEqual({ plan: 'small' });
    const renewal = (await under.invoicesOf(made.id))[1]!;
    expect(renewal).toMatchObject({ total: 1000, status: 'paid' });
    expect(renewal.lines.data).toHaveLength(1);

    await under.goTo(periodEnd(after) + HOUR);
    expect(await stripe.subscriptionSchedules.retrieve(schedule.id)).toMatchObject({
      status: 'released',
      released_subscription: made.id,
      subscription: null,
    });
    expect((await stripe.subscriptions.retrieve(made.id)).schedule).toBeNull();
    const types = (await under.eventTypes(schedule.id)).filter((type) =>
      type.startsWith('subscription_schedule'),
    );
    expect(types.at(-1)).toBe('subscription_schedule.released');
  });

  it('end the subscription when they say so', async () => {
    const { made, schedule } = await scheduledDowngrade({ end_behavior: 'cancel' });
    await under.goTo(periodEnd(made) + HOUR);
    const end = periodEnd(await stripe.subscriptions.retrieve(made.id));
    await under.goTo(end + HOUR);
    expect(await stripe.subscriptionSchedules.retrieve(schedule.id)).toMatchObject({
      status: 'completed',
      completed_at: end,
    });
    expect(await stripe.subscriptions.retrieve(made.id)).toMatchObject({ status: 'canceled', ended_at: end });
    expect(await under.invoicesOf(made.id)).toHaveLength(2);
  });

  it('keep the end of the subscription to themselves', async () => {
    const { made } = await scheduledDowngrade({ end_behavior: 'cancel' });
    await expect(stripe.subscriptions.update(made.id, { cancel_at_period_end: true })).rejects.toMatchObject({
      statusCode: 400,
      param: 'cancel_at_period_end',
    });
    await under.goTo(periodEnd(made) + HOUR);
    await expect(stripe.invoices.createPreview({ subscription: made.id })).rejects.toMatchObject({
      code: 'invoice_upcoming_none',
    });
  });

  it('begin a new cycle when the next phase has another interval', async () => {
    const [monthly, yearly] = [
      await under.price(1000),
      await under.price(9000, { recurring: { interval: 'year' } }),
    ];
    const made = await under.subscribe([{ price: monthly.id }]);
    const schedule = await stripe.subscriptionSchedules.create({ from_subscription: made.id });
    const [current] = schedule.phases as [Stripe.SubscriptionSchedule.Phase];
    await stripe.subscriptionSchedules.update(schedule.id, {
      phases: [
        {
          start_date: current.start_date,
          end_date: current.end_date,
          items: [{ price: monthly.id, quantity: 1 }],
        },
        {
          items: [{ price: yearly.id, quantity: 1 }],
          duration: { interval: 'year', interval_count: 1 },
          proration_behavior: 'none',
        },
      ],
    });
    const preview = await stripe.invoices.createPreview({ subscription: made.id });
    await under.goTo(periodEnd(made) + HOUR);
    const invoices = await under.invoicesOf(made.id);
    expect(invoices.map(({ total }) => total)).toEqual([1000, 9000]);
    expect(preview.total).toBe(9000);
    const after = await stripe.subscriptions.retrieve(made.id);
    expect(after.billing_cycle_anchor).toBe(periodEnd(made));
    expect(firstItem(after).current_period_start).toBe(periodEnd(made));
  });

  it('are released: the subscription goes on unchanged, and nothing more happens', async () => {
    const { made, schedule, large } = await scheduledDowngrade();
    expect(await stripe.subscriptionSchedules.release(schedule.id)).toMatchObject({
      status: 'released',
      released_subscription: made.id,
    });
    await expect(stripe.subscriptionSchedules.release(schedule.id)).rejects.toThrow(/released/);
    await under.goTo(periodEnd(made) + HOUR);
    expect(firstItem(await stripe.subscriptions.retrieve(made.id)).price.id).toBe(large.id);
  });

  it('are canceled together with the subscription', async () => {
    const { made, schedule } = await scheduledDowngrade();
    expect(await stripe.subscriptionSchedules.cancel(schedule.id)).toMatchObject({ status: 'canceled' });
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('canceled');
    expect(await under.eventTypes(schedule.id)).toContain('subscription_schedule.canceled');
  });

  it('end by the end of the subscription itself', async () => {
    const { made, schedule } = await scheduledDowngrade();
    await stripe.subscriptions.cancel(made.id);
    expect((await stripe.subscriptionSchedules.retrieve(schedule.id)).status).toBe('canceled');
  });

  it('change the current phase at once, prorated', async () => {
    const { made, schedule, large } = await scheduledDowngrade();
    await under.goTo(under.now() + 10 * DAY);
    const [current] = schedule.phases as [Stripe.SubscriptionSchedule.Phase];
    await stripe.subscriptionSchedules.update(schedule.id, {
      proration_behavior: 'always_invoice',
      phases: [
        {
          start_date: current.start_date,
          end_date: current.end_date,
          items: [{ price: large.id, quantity: 4 }],
        },
      ],
    });
    expect(firstItem(await stripe.subscriptions.retrieve(made.id)).quantity).toBe(4);
    const extra = (await under.invoicesOf(made.id))[1]!;
    expect(extra).toMatchObject({ billing_reason: 'subscription_update', status: 'paid' });
    expect(extra.lines.data).toHaveLength(2);
    await expect(
      stripe.subscriptionSchedules.update(schedule.id, {
        phases: [
          { start_date: current.start_date + 5, end_date: current.end_date, items: [{ price: large.id }] },
        ],
      }),
    ).rejects.toThrow(/start date of the current phase/);
  });

  it('are previewed as they will be', async () => {
    const { made, schedule, small, large } = await scheduledDowngrade();
    const [first] = schedule.phases as [Stripe.SubscriptionSchedule.Phase];
    const preview = await stripe.invoices.createPreview({
      subscription: made.id,
      schedule_details: {
        phases: [
          {
            start_date: first.start_date,
            end_date: first.end_date,
            items: [{ price: large.id, quantity: 2 }],
          },
          {
            items: [{ price: small.id, quantity: 1 }],
            duration: { interval: 'month', interval_count: 1 },
            proration_behavior: 'none',
          },
        ],
      },
    });
    expect(preview.total).toBe(1000);
    // The schedule there is needs not be told again.
    expect((await stripe.invoices.createPreview({ subscription: made.id })).total).toBe(1000);
    await under.goTo(periodEnd(made) + HOUR);
    expect((await under.invoicesOf(made.id))[1]!.total).toBe(preview.total);
  });

  it('start a subscription of their own, now or later', async () => {
    const price = await under.price(1000);
    const customer = await under.payer();
    const start = under.now() + 3 * DAY;
    const later = await stripe.subscriptionSchedules.create({
      customer,
      start_date: start,
      end_behavior: 'cancel',
      phases: [
        { items: [{ price: price.id, quantity: 1 }], duration: { interval: 'month', interval_count: 2 } },
      ],
    });
    expect(later).toMatchObject({ status: 'not_started', subscription: null, current_phase: null });
    await under.goTo(start);
    const begun = await stripe.subscriptionSchedules.retrieve(later.id, { expand: ['subscription'] });
    expect(begun).toMatchObject({ status: 'active', subscription: { status: 'active', created: start } });
    const id = (begun.subscription as Stripe.Subscription).id;
    await under.goTo(begun.current_phase!.end_date + HOUR);
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
    expect((await under.invoicesOf(id)).map(({ total }) => total)).toEqual([1000, 1000]);
  });
});
