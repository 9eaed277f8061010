import type Stripe from 'stripe';
import type { Account } from '../account';
import { only, type Call } from '../call';
import { TimeEngine } from '../engine/time-engine';
import { invalidRequest } from '../errors';
import { listPage } from '../pagination';
import { intervalsAfter } from '../periods';
import { newId } from '../random';

type TestClock = Stripe.TestHelpers.TestClock;

/** Test clocks live as long as Stripe keeps them. */
const LIFE = 30 * 86_400;

/** A clock of its own for the customers attached to it. It stands still until it is advanced. */
export function createTestClock({ account, params }: Call<Stripe.TestHelpers.TestClockCreateParams>): object {
  only(params, 'frozen_time', 'name');
  const now = account.now();
  const clock: TestClock = {
    id: newId('clock'),
    object: 'test_helpers.test_clock',
    created: now,
    deletes_after: now + LIFE,
    frozen_time: params.frozen_time,
    livemode: false,
    name: params.name ?? null,
    status: 'ready',
    status_details: {},
  };
  return account.add('test_helpers.test_clock', clock, 'test_helpers.test_clock.created');
}

export function retrieveTestClock({ account, id }: Call<Stripe.TestHelpers.TestClockRetrieveParams>): object {
  return account.get('test_helpers.test_clock', id);
}

export function listTestClocks({ account, params }: Call<Stripe.TestHelpers.TestClockListParams>): object {
  only(params, 'ending_before', 'limit', 'starting_after');
  return listPage(account.newest('test_helpers.test_clock'), params, '/v1/test_helpers/test_clocks');
}

/**
 * Moves a clock forward and carries out what is due on it. The sandbox is done before it answers: the clock is
 * `ready` at once, which a client that waits for `ready` does not mind.
 */
export function advanceTestClock({
  account,
  params,
  id,
}: Call<Stripe.TestHelpers.TestClockAdvanceParams>): object {
  only(params, 'frozen_time');
  const clock = account.get('test_helpers.test_clock', id);
  const target = params.frozen_time;
  if (target <= clock.frozen_time)
    throw invalidRequest('A test clock can only be advanced forward in time.', 'frozen_time');
  const limit = furthest(account, clock);
  if (target > limit) {
    throw invalidRequest(
      `You can only advance this clock up to ${limit} (${new Date(limit * 1000).toISOString()}): two intervals of its shortest subscription, or two years when it has none.`,
      'frozen_time',
    );
  }
  const advancing = account.change('test_helpers.test_clock', clock, {
    status: 'advancing',
    status_details: { advancing: { target_frozen_time: target } },
  });
  account.emit('test_helpers.test_clock.advancing', advancing);
  TimeEngine.of(account).runTo(target, id);
  const ready = account.change('test_helpers.test_clock', advancing, {
    frozen_time: target,
    status: 'ready',
    status_details: {},
  });
  account.emit('test_helpers.test_clock.ready', ready);
  return ready;
}

function furthest(account: Account, clock: TestClock): number {
  const ends = account
    .newest('subscription', (row) => row.test_clock === clock.id && row.ended_at === null)
    .flatMap((row) => row.items.data)
    .map(({ price: { recurring } }) =>
      intervalsAfter(clock.frozen_time, recurring?.interval ?? 'year', 2 * (recurring?.interval_count ?? 1)),
    );
  return ends.length > 0 ? Math.min(...ends) : intervalsAfter(clock.frozen_time, 'year', 2);
}

/** Deletes a clock and the customers that live by it. */
export function deleteTestClock({ account, id }: Call<Stripe.TestHelpers.TestClockDeleteParams>): object {
  const clock = account.get('test_helpers.test_clock', id);
  for (const subscription of account.newest('subscription', (row) => row.test_clock === id)) {
    account.store.remove('agenda', `subscription:${subscription.id}`);
    account.store.put('subscription', { ...subscription, ended_at: clock.frozen_time, status: 'canceled' });
  }
  for (const entry of account.store.all('agenda'))
    if (entry.clock === id) account.store.remove('agenda', entry.id);
  for (const customer of account.newest('customer', (row) => row.test_clock === id))
    account.store.put('customer', { id: customer.id, object: 'customer', deleted: true });
  account.store.remove('test_helpers.test_clock', id);
  const deleted: Stripe.TestHelpers.DeletedTestClock = {
    id,
    object: 'test_helpers.test_clock',
    deleted: true,
  };
  account.emit('test_helpers.test_clock.deleted', clock);
  return deleted;
}
