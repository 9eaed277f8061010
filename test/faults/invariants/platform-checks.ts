import type { Check } from './check';

/** What the platform's tables promise: facts told in order, answers kept, jobs run once. */
export const PLATFORM_CHECKS: readonly Check[] = [
  {
    id: 'I7',
    holds: 'the numbers of a tenant’s events have no gap, and the stream knows the last one',
    sql: `
      with numbered as (
        select tenant_id, min(sequence) as first, max(sequence) as last, count(*) as events
          from outbox where sequence is not null and [tenant_id] group by tenant_id
      )
      select n.*, s.last_sequence from numbered n left join event_streams s using (tenant_id)
       where n.last - n.first + 1 <> n.events or s.last_sequence is distinct from n.last`,
  },
  {
    id: 'I7',
    holds: 'events of one thing are told in the order in which they were written',
    sql: `
      select * from (
        select tenant_id, aggregate_type, aggregate_id, id, sequence,
               lag(sequence) over (partition by tenant_id, aggregate_type, aggregate_id order by id) as before
          from outbox where sequence is not null and [tenant_id]
      ) told where before > sequence`,
  },
  {
    id: 'I7',
    holds: 'nothing is published that was not numbered',
    sql: `
      select tenant_id, id, type from outbox
       where sequence is null and (published_at is not null or dispatched_at is not null)
         and [tenant_id]`,
  },
  {
    id: 'I8',
    holds: 'a finished idempotency record has an answer to give again',
    sql: `
      select tenant_id, route, key, state, status from idempotency_keys
       where state = 'done' and (status is null or body is null) and [tenant_id]`,
  },
  {
    id: 'I11',
    holds: 'a slot of a job was finished by its last holder: as many fences as attempts',
    sql: `
      select job, slot, fence, attempts, done_at from job_slots
       where (fence <> attempts or fence < 1) `,
  },
  {
    id: 'I16',
    holds: 'no session of the service holds a transaction open for more than 5 s without doing anything',
    sql: `
      select pid, state, state_change, left(query, 80) as query from pg_stat_activity
       where datname = current_database() and usename = 'app' and state like 'idle in transaction%'
         and state_change < clock_timestamp() - interval '5 seconds'`,
  },
];
