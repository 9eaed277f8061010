/** Recounts the ledger in plain SQL and compares it with what the generator was told. */
import type { Client } from 'pg';
import { Incorrect } from '../bench-case';
import type { EventTraffic } from '../load/events';

interface LedgerRow {
  tenant_id: string;
  events: string;
  quantity: string;
}

/**
 * @throws Incorrect when an acknowledged event is missing, one is there twice or was never sent, a counter is
 *   not the sum of its events, or stands above its limit
 */
export async function verifyLedger(sql: Client, traffics: readonly EventTraffic[]): Promise<void> {
  const faults = [
    ...(await faultsByTenant(sql, traffics)),
    ...(await faultsBySender(sql, traffics)),
    ...(await faultsInCounters(sql)),
  ];
  if (faults.length > 0) throw new Incorrect(faults.slice(0, 10));
}

async function faultsByTenant(sql: Client, traffics: readonly EventTraffic[]): Promise<string[]> {
  const { rows } = await sql.query<LedgerRow>(
    `select tenant_id, count(*) as events, sum(increment) as quantity
       from billing_events where event_id not like 'seed%' group by tenant_id`,
  );
  const found = new Map(rows.map((row) => [row.tenant_id, row]));
  const expected = new Map<string, { events: number; quantity: number }>();
  for (const { tenant, events, quantity } of traffics.flatMap((traffic) => traffic.acknowledged())) {
    const sum = expected.get(tenant) ?? { events: 0, quantity: 0 };
    expected.set(tenant, { events: sum.events + events, quantity: sum.quantity + quantity });
  }
  const faults = [];
  for (const [tenant, { events, quantity }] of expected) {
    const row = found.get(tenant);
    found.delete(tenant);
    const inLedger = `${row?.events ?? 0} events, quantity ${row?.quantity ?? 0}`;
    const acknowledged = `${events} events, quantity ${quantity}`;
    if (inLedger !== acknowledged)
      faults.push(`tenant ${tenant}: ledger ${inLedger}, acknowledged ${acknowledged}`);
  }
  for (const tenant of found.keys()) faults.push(`tenant ${tenant}: events that nobody sent`);
  return faults;
}

/**
 * Together with equal totals: every id that was sent is there once. The primary key alone would let the same id
 * stand under two tenants.
 */
async function faultsBySender(sql: Client, traffics: readonly EventTraffic[]): Promise<string[]> {
  const { rows } = await sql.query<{ prefix: string; events: string; ids: string; last: string }>(
    `select split_part(event_id, '_', 1) || '_' || split_part(event_id, '_', 2) || '_' as prefix,
            count(*) as events, count(distinct event_id) as ids, max(split_part(event_id, '_', 3)::int) as last
       from billing_events where event_id not like 'seed%' group by 1`,
  );
  const found = new Map(rows.map((row) => [row.prefix, row]));
  const faults = [];
  for (const traffic of traffics) {
    for (const { prefix, requests } of traffic.senders()) {
      const events = requests * traffic.batch;
      const row = found.get(prefix);
      found.delete(prefix);
      const inLedger = `${row?.events ?? 0} events, ${row?.ids ?? 0} ids, last ${row?.last ?? -1}`;
      const sent = `${events} events, ${events} ids, last ${requests - 1}`;
      if (inLedger !== sent) faults.push(`ids ${prefix}…: ledger ${inLedger}, sent ${sent}`);
    }
  }
  for (const prefix of found.keys()) faults.push(`ids ${prefix}…: nobody sent them`);
  return faults;
}

async function faultsInCounters(sql: Client): Promise<string[]> {
  const { rows } = await sql.query<{ what: string }>(
    `with ledger as (
       select tenant_id, metric_name, period, sum(increment) as quantity
         from billing_events group by tenant_id, metric_name, period
     )
     select format('counter %s %s: %s, its events are %s, limit %s', coalesce(k.tenant_id, l.tenant_id),
                   coalesce(k.metric_name, l.metric_name), k.used, l.quantity, k.grace_limit) as what
       from usage_counters k
       full join ledger l on l.tenant_id = k.tenant_id and l.metric_name = k.metric_name and l.period = k.period_start
      where k.used is distinct from coalesce(l.quantity, 0) or k.used > k.grace_limit
      limit 10`,
  );
  return rows.map((row) => row.what);
}
