/** A ledger that is already long: events of this month and the counters that belong to them. */
import { METRIC } from '../load/events';
import type { Stage } from './stage';
import { FAR_AWAY } from './tenants';

/** One statement's share, so that a long seeding can be watched. */
const STEP = 500_000;

/**
 * Puts `events` events into the ledger, spread evenly over the tenants and over the month so far. Their ids begin
 * with `seed`, which recounts leave out. To be called before the service has heard of the tenants.
 */
export async function seedLedger(
  stage: Stage,
  tenants: readonly string[],
  events: number,
  say: (text: string) => void = () => undefined,
): Promise<void> {
  for (let from = 0; from < events; from += STEP) {
    const to = Math.min(events, from + STEP) - 1;
    await stage.sql.query(
      `insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp,
         timestamp_given, period, received_at)
       select ($1::uuid[])[1 + n % cardinality($1)], 'seed_' || lpad(n::text, 12, '0'), 'usage', $2, 1 + n % 9,
              at, false, month, at
         from generate_series($3::bigint, $4::bigint) n,
              lateral (select date_trunc('month', now(), 'UTC') as month) m,
              lateral (select month + (now() - month) * (n::float8 / $5) as at) t`,
      [tenants, METRIC, from, to, events],
    );
    if (events > STEP)
      say(`  seeded ${(to + 1).toLocaleString('en')} of ${events.toLocaleString('en')} events`);
  }
  await stage.sql.query(
    `insert into usage_counters (tenant_id, metric_name, period_start, period_end, used, grace_limit)
     select tenant_id, metric_name, period, period + interval '1 month', sum(increment), $1::numeric
       from billing_events group by tenant_id, metric_name, period`,
    [FAR_AWAY],
  );
  await stage.sql.query('vacuum (analyze) billing_events');
  await stage.sql.query('vacuum (analyze) usage_counters');
}
