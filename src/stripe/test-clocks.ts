import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { BillingError } from '../contracts/errors';
import { Fired, TimePartner } from '../platform/sandbox-clock/time-travel';
import { StripeClient } from './stripe-client';

/**
 * A clock may be advanced by two intervals of its shortest subscription at a time
 * (https://docs.stripe.com/billing/testing/test-clocks); monthly ones are the shortest that are sold.
 */
const STEP_MS = 28 * 86_400_000;
const READY_MS = 120_000;

/** Stripe's own test clocks, in real test mode: the customers attached to them live by these. */
@Injectable()
export class TestClocks implements TimePartner {
  constructor(private readonly stripe: StripeClient) {}

  /** The next moment up to which all clocks may be advanced in one go. */
  async nextDue(): Promise<Date | null> {
    const clocks = await this.all();
    if (clocks.length === 0) return null;
    return new Date(Math.min(...clocks.map(({ frozen_time }) => frozen_time)) * 1000 + STEP_MS);
  }

  async moveTo(moment: Date): Promise<Fired[]> {
    const to = Math.floor(moment.getTime() / 1000);
    const behind = (await this.all()).filter(({ frozen_time }) => frozen_time < to);
    for (const { id } of behind) {
      await this.stripe.call('test_clocks.advance', (stripe, options) =>
        stripe.testHelpers.testClocks.advance(id, { frozen_time: to }, options),
      );
      await this.untilReady(id);
    }
    return behind.map(({ id }) => ({ at: moment, what: 'test_clock.advance', object: id }));
  }

  private async all(): Promise<{ id: string; frozen_time: number }[]> {
    const { data } = await this.stripe.call('test_clocks.list', (stripe, options) =>
      stripe.testHelpers.testClocks.list({ limit: 100 }, options),
    );
    return data;
  }

  private async untilReady(id: string): Promise<void> {
    const end = performance.now() + READY_MS;
    for (;;) {
      const { status } = await this.stripe.call('test_clocks.retrieve', (stripe, options) =>
        stripe.testHelpers.testClocks.retrieve(id, {}, options),
      );
      if (status === 'ready') return;
      if (status === 'internal_failure' || performance.now() > end)
        throw new BillingError('stripe_unavailable', { detail: `Stripe's test clock ${id} is ${status}.` });
      await pause(500);
    }
  }
}
