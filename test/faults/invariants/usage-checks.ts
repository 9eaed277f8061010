import type { Check } from './check';

/** Events with what became of them: whether a correction took them back. */
const EVENTS = `
  select b.*, m.aggregation, m.kind, m.scale, back.event_id is not null as is_reversed
    from billing_events b
    left join meters m on m.key = b.metric_name
    left join billing_events back
      on back.tenant_id = b.tenant_id and back.reverses = b.event_id and back.reverses is not null and [back.tenant_id]
   where [b.tenant_id]`;

const COUNTERS = `select * from usage_counters where [tenant_id]`;

/** Events that were deleted by age can no longer be counted. */
const IS_WHOLE = `coalesce(k.events_kept, 'all') = 'all'`;

/** The ledger counted anew, from nothing, by the meaning of each aggregation. */
const RECOUNT = `
  select tenant_id, metric_name, period, aggregation,
         case aggregation
           when 'sum' then sum(increment)
           when 'count' then count(*) filter (where event_type <> 'correction')
                           - count(*) filter (where event_type = 'correction')
           when 'max' then max(increment) filter (where event_type <> 'correction' and not is_reversed)
           when 'unique' then count(distinct subject) filter (where event_type <> 'correction' and not is_reversed)
         end as total,
         max(timestamp) filter (where event_type <> 'correction' and not is_reversed) as newest,
         count(*) as events
    from events group by tenant_id, metric_name, period, aggregation`;

/** Counters, reservations and archives against the ledger. */
export const USAGE_CHECKS: readonly Check[] = [
  {
    id: 'I1',
    holds: 'every counter is the sum, count, maximum or number of subjects of its ledger rows',
    sql: `
      with events as (${EVENTS}), recount as (${RECOUNT}), counters as (${COUNTERS})
      select coalesce(r.tenant_id, k.tenant_id) as tenant_id, coalesce(r.metric_name, k.metric_name) as metric_name,
             coalesce(r.period, k.period_start) as period, r.aggregation, k.used as counter, r.total as ledger, r.events
        from recount r
        full join counters k
          on k.tenant_id = r.tenant_id and k.metric_name = r.metric_name and k.period_start = r.period
       where r.aggregation is distinct from 'latest' and ${IS_WHOLE} and coalesce(k.used, 0) <> coalesce(r.total, 0)`,
  },
  {
    id: 'I1',
    holds:
      'a counter of the latest value has that of its newest event (one of them, when several are as new)',
    sql: `
      with events as (${EVENTS}), recount as (${RECOUNT}), counters as (${COUNTERS})
      select r.tenant_id, r.metric_name, r.period, k.used as counter, r.newest, k.latest_at
        from recount r
        left join counters k
          on k.tenant_id = r.tenant_id and k.metric_name = r.metric_name and k.period_start = r.period
       where r.aggregation = 'latest' and ${IS_WHOLE}
         and case when r.newest is null then coalesce(k.used, 0) <> 0
                  else not exists (
                    select from events e
                     where e.tenant_id = r.tenant_id and e.metric_name = r.metric_name and e.period = r.period
                       and e.timestamp = r.newest and not e.is_reversed and e.event_type <> 'correction'
                       and e.increment = k.used)
             end`,
  },
  {
    id: 'I1',
    holds: 'the subjects of unique meters are those of the ledger, each once per period',
    sql: `
      with events as (${EVENTS}), counted as (
        select distinct tenant_id, metric_name, period, subject from events
         where aggregation = 'unique' and event_type <> 'correction' and not is_reversed
      ), known as (select * from usage_subjects where [tenant_id])
      select coalesce(c.tenant_id, s.tenant_id) as tenant_id, coalesce(c.metric_name, s.metric_name) as metric_name,
             coalesce(c.subject, s.subject) as subject, c.subject is not null as in_ledger
        from counted c
        full join known s on s.tenant_id = c.tenant_id and s.metric_name = c.metric_name
             and s.period_start = c.period and s.subject = c.subject
       where c.subject is null or s.subject is null`,
  },
  {
    id: 'I1',
    holds: 'what is reserved is the sum of the reservations that are held',
    sql: `
      with held as (
        select tenant_id, metric_name, period_start, sum(quantity) as total from usage_reservations
         where status = 'held' and [tenant_id]
         group by tenant_id, metric_name, period_start
      ), counters as (${COUNTERS})
      select coalesce(h.tenant_id, k.tenant_id) as tenant_id, coalesce(h.metric_name, k.metric_name) as metric_name,
             k.reserved as counter, h.total as held
        from held h full join counters k using (tenant_id, metric_name, period_start)
       where coalesce(h.total, 0) <> coalesce(k.reserved, 0)`,
  },
  {
    id: 'I1',
    holds: 'a committed reservation has its one ledger row with what was committed, and no other has one',
    sql: `
      with rows as (
        select * from billing_events
         where event_type = 'reservation' and [tenant_id]
      ), committed as (
        select * from usage_reservations
         where status = 'committed' and coalesce(committed_quantity, 0) > 0
           and [tenant_id]
      )
      select coalesce(r.tenant_id, c.tenant_id) as tenant_id, coalesce(r.event_id, c.event_id) as event_id, c.id,
             r.increment, c.committed_quantity, c.quantity
        from committed c full join rows r on r.tenant_id = c.tenant_id and r.event_id = c.event_id
       where r.event_id is null or c.id is null or r.increment <> c.committed_quantity
          or r.metric_name <> c.metric_name or c.committed_quantity > c.quantity`,
  },
  {
    id: 'I1',
    holds: 'the archive of a closed month is what the ledger says of it',
    sql: `
      with events as (${EVENTS}), recount as (${RECOUNT})
      select a.tenant_id, a.metric_name, a.period_date, a.current_usage as archived, r.total as ledger
        from tenant_usage a
        left join recount r
          on r.tenant_id = a.tenant_id and r.metric_name = a.metric_name and r.period = a.period_start
        join meters m on m.key = a.metric_name
        join usage_counters k
          on k.tenant_id = a.tenant_id and k.metric_name = a.metric_name and k.period_start = a.period_start
       where ${IS_WHOLE} and a.period_kind = 'month' and a.closed_at is not null and m.kind = 'flow' and m.aggregation <> 'latest'
         and [a.tenant_id] and a.current_usage <> coalesce(r.total, 0)`,
  },
  {
    id: 'I1',
    holds: 'a closed counter has its archive, and is as the archive says',
    sql: `
      with counters as (${COUNTERS})
      select k.tenant_id, k.metric_name, k.period_start, k.used, a.current_usage as archived
        from counters k
        left join tenant_usage a on a.tenant_id = k.tenant_id and a.metric_name = k.metric_name
             and a.period_kind = 'month' and a.period_start = k.period_start
       where k.closed_at is not null and (a.tenant_id is null or a.current_usage <> k.used)`,
  },
  {
    id: 'I1',
    holds: 'events are as their meter says: decimals, sign, kind, and whose they are',
    sql: `
      with events as (${EVENTS})
      select e.tenant_id, e.event_id, e.event_type, e.metric_name, e.increment from events e
       where e.aggregation is null or e.kind = 'cap'
          or scale(trim_scale(e.increment)) > e.scale
          or (e.event_type in ('usage', 'reservation') and e.increment <= 0)
          or (e.event_type = 'decrement' and (e.increment >= 0 or e.kind <> 'gauge'))
          or (e.kind <> 'flow') <> (e.period = 'epoch'::timestamptz)
          or (e.event_type = 'correction') <> (e.reverses is not null)
          or not exists (select from tenants t where t.id = e.tenant_id)`,
  },
  {
    id: 'I1',
    holds:
      'a correction names an event of the same tenant and metric, which is none itself, and undoes all of it',
    sql: `
      with events as (${EVENTS})
      select c.tenant_id, c.event_id, c.reverses, c.increment, o.event_type, o.increment as original
        from events c left join events o on o.tenant_id = c.tenant_id and o.event_id = c.reverses
       where c.event_type = 'correction'
         and (o.event_id is null or o.event_type = 'correction' or o.metric_name <> c.metric_name
              or c.increment <> -o.increment)`,
  },
  {
    id: 'I1',
    holds: 'an event counts in the period that it happened in, or it came late',
    sql: `
      with events as (${EVENTS}), counters as (${COUNTERS})
      select e.tenant_id, e.event_id, e.timestamp, e.received_at, k.period_start, k.period_end
        from events e
        join counters k on k.tenant_id = e.tenant_id and k.metric_name = e.metric_name and k.period_start = e.period
       where e.kind = 'flow' and e.event_type in ('usage', 'decrement')
         and (e.timestamp >= k.period_end
              or (e.timestamp < k.period_start and e.received_at < k.period_start - interval '1 second'))`,
  },
  {
    id: 'I1',
    holds: 'no counter has ever had to be repaired',
    sql: `
      select tenant_id, target_id, before, after, occurred_at from audit_logs
       where action = 'USAGE_COUNTER_REPAIRED' and [tenant_id]`,
  },
  {
    id: 'I3',
    holds: 'no counter is above its grace limit, reservations counted, nor above any limit it had before',
    // The counter knows the limit of its last decision only. What was admitted under a higher one stays, and a
    // correction of a decrement is no admission.
    sql: `
      with counters as (${COUNTERS}), had as (
        select a.tenant_id, k.metric_name, k.period_start,
               max(case when state.said ->> 'limit' is null then 'infinity' else (state.said ->> 'limit')::numeric end) as most
          from counters k
          join audit_logs a on a.tenant_id = k.tenant_id and a.action like 'LIMIT_OVERRIDE%' and a.target_id = k.metric_name
          cross join lateral (values (a.before), (a.after)) as state (said)
         where state.said is not null
         group by a.tenant_id, k.metric_name, k.period_start
      ), planned as (
        select k.tenant_id, k.metric_name, k.period_start,
               max(case when state.said -> 'limits' ->> k.metric_name is null then 'infinity'
                        else (state.said -> 'limits' ->> k.metric_name)::numeric end) as most
          from counters k
          join tenant_entitlements t on t.tenant_id = k.tenant_id
          join audit_logs a on a.action = 'PLAN_UPDATED' and a.target_id = t.plan_id::text
          cross join lateral (values (a.before), (a.after)) as state (said)
         where state.said -> 'limits' ? k.metric_name
         group by k.tenant_id, k.metric_name, k.period_start
      ), restored as (
        select tenant_id, metric_name, period, sum(increment) as total from billing_events
         where event_type = 'correction' and increment > 0 and [tenant_id]
         group by tenant_id, metric_name, period
      )
      select k.tenant_id, k.metric_name, k.used, k.reserved, k.grace_limit, had.most as had, planned.most as planned
        from counters k
        join meters m on m.key = k.metric_name
        left join had using (tenant_id, metric_name, period_start)
        left join planned using (tenant_id, metric_name, period_start)
        left join restored r
          on r.tenant_id = k.tenant_id and r.metric_name = k.metric_name and r.period = k.period_start
       where k.grace_limit is not null and m.aggregation not in ('max', 'latest')
         and k.used + k.reserved - coalesce(r.total, 0)
             > greatest(k.grace_limit, floor(greatest(had.most, planned.most, 0) * {grace}))`,
  },
  {
    id: 'I2',
    holds: 'nothing that is in the ledger was refused afterwards for want of room',
    // A second between two processes' clocks is none.
    sql: `
      select r.tenant_id, r.event_id, r.code, r.refused_at, b.received_at
        from usage_refusals r join billing_events b on b.tenant_id = r.tenant_id and b.event_id = r.event_id
       where r.code = 'limit_exceeded' and r.refused_at > b.received_at + interval '1 second'
         and [r.tenant_id]`,
  },
];
