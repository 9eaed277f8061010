import { MigrationInterface, QueryRunner } from 'typeorm';

/** Shared by everything that changes counters, held alone to raise the generation of the cache. */
const GENERATION_LOCK = 7_316_422_906;

/** The functions through which events enter the ledger. See docs/adr/0007. */
export class RecordUsage1763700000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(WITHDRAW);
    await runner.query(RECORD);
    await runner.query(RAISE_GENERATION);
    await runner.query(DELETE_OLD);
    await runner.query(TELL_CHANGES);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop function record_usage, withdraw_refused_events, raise_usage_generation, delete_old_usage_events;
       drop trigger tenant_entitlements_told on tenant_entitlements;
       drop trigger meters_told on meters;
       drop trigger alert_rules_told on alert_rules;
       drop trigger tenants_told on tenants;
       drop trigger api_keys_told on api_keys;
       drop trigger clock_told on clock_offset;
       drop function tell_entitlements, tell_meters, tell_alert_rules, tell_tenants, tell_api_keys, tell_clock`);
  }
}

/**
 * Takes back rows that the running transaction itself has inserted, and no others: how a refused event leaves
 * no trace although the app role may not delete from the ledger.
 */
const WITHDRAW = `
  create function withdraw_refused_events(tenants uuid[], ids text[]) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
  declare taken int;
  begin
    delete from billing_events b using unnest(tenants, ids) as refused (tenant_id, event_id)
     where b.tenant_id = refused.tenant_id and b.event_id = refused.event_id
       and b.xmin = pg_current_xact_id()::xid;
    get diagnostics taken = row_count;
    if taken <> cardinality(ids) then
      raise exception 'withdrew % of % events', taken, cardinality(ids);
    end if;
  end $$;
`;

/**
 * Decides and records a batch of events, all in one transaction.
 *
 * Every transaction takes its locks in the same order, so that none waits in a circle: first the events, by
 * tenant and id (an event that another transaction is just inserting is waited for), then the counters, by
 * tenant, metric and period. `c_…` describe the counters in that order, `e_…` the events in their order of
 * arrival; no event id may be in the batch twice.
 *
 *   at_once     try first whether all events are new and all fit: measured, that takes half the time of the
 *               general way, most of it ON CONFLICT and RETURNING. A failed try costs what it took.
 *   c_limit     the most that may be used, grace included; null = unlimited
 *   c_rule      sum | count | max | latest | unique
 *   c_version   the version of the entitlements that c_limit was read from
 *   c_total     what all events of the batch would add; null = only row by row
 *   e_counter   1-based index into c_…
 *   e_quantity  below 0 for a decrement; null = all 1
 *   e_at        null where the caller gave no time, null = no caller did
 *   e_subject, e_metadata   null = none has one
 *   e_key       key that sent it, one for each event or one for all
 *
 * `stale` names counters whose entitlements have changed since: nothing was done, read them again.
 * Otherwise `used` and `reserved` are those after the batch, and `odd` lists the events that were not
 * simply recorded, with their status: duplicate, conflict, limit_exceeded, below_zero, closed.
 * `generation` is the one under which these numbers may be written to Redis: raising it waits for the
 * transactions that have read the old one, so what is rebuilt under the new one misses none of them.
 */
const RECORD = `
  create function record_usage(
    now_is timestamptz, at_once boolean,
    c_tenant uuid[], c_metric text[], c_period timestamptz[], c_period_end timestamptz[], c_limit numeric[],
    c_rule text[], c_version bigint[], c_total numeric[],
    e_counter int[], e_id text[], e_quantity numeric[], e_at timestamptz[], e_subject text[], e_metadata jsonb[],
    e_key uuid[],
    out stale int[], out used numeric[], out reserved numeric[], out version bigint[],
    out odd int[], out odd_status text[], out generation bigint
  )
  language plpgsql volatile as $$
  #variable_conflict use_column
  declare
    key_of_all uuid := case when cardinality(e_key) = 1 then e_key[1] end;
    new_rows int;
    unfit int[];
    fresh boolean[];
    refused int[] := '{}';
    reason text;
    k usage_counters;
    quantity numeric;
    added numeric;
    i int;
    c int;
  begin
    perform set_config('app.tenant_id', '*', true);
    perform pg_advisory_xact_lock_shared(${GENERATION_LOCK});
    select g.generation into generation from usage_cache_generation g;

    select array_agg(n) into stale
      from unnest(c_tenant, c_version) with ordinality as was (tenant, version, n)
      left join tenant_entitlements t on t.tenant_id = was.tenant
     where t.version is distinct from was.version;
    if stale is not null then return; end if;

    if at_once then
      begin
        insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp,
          timestamp_given, period, subject, metadata, received_at, api_key_id)
        select tenant, id, 'usage', metric, coalesce(quantity, 1), coalesce(at, now_is),
               at is not null, period, subject, metadata, now_is, coalesce(key_of_all, key)
          from unnest(e_counter, e_id, e_quantity, e_at, e_subject, e_metadata, e_key)
            as e (counter, id, quantity, at, subject, metadata, key)
          join unnest(c_tenant, c_metric, c_period) with ordinality as c (tenant, metric, period, n) on c.n = counter
         order by tenant, id;

        with counted as (
          insert into usage_counters as k (tenant_id, metric_name, period_start, period_end, used, grace_limit, updated_at)
          select tenant, metric, period, period_end, total, most, now_is
            from unnest(c_tenant, c_metric, c_period, c_period_end, c_limit, c_total) with ordinality
              as w (tenant, metric, period, period_end, most, total, n)
           where most is null or total <= most
           order by n
          on conflict (tenant_id, metric_name, period_start) do update
            set used = k.used + excluded.used, version = k.version + 1, grace_limit = excluded.grace_limit,
                updated_at = excluded.updated_at
            where k.closed_at is null
              and (excluded.grace_limit is null or k.used + k.reserved + excluded.used <= excluded.grace_limit)
          returning k.*
        )
        select array_agg(used order by tenant_id, metric_name collate "C", period_start),
               array_agg(reserved order by tenant_id, metric_name collate "C", period_start),
               array_agg(version order by tenant_id, metric_name collate "C", period_start)
          into used, reserved, version from counted;

        if cardinality(used) = cardinality(c_tenant) then return; end if;
        raise exception using errcode = 'UB001';
      exception when unique_violation or sqlstate 'UB001' then
        used := null;
      end;
    end if;

    with added as (
      insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp,
        timestamp_given, period, subject, metadata, received_at, api_key_id)
      select tenant, id, case when quantity < 0 then 'decrement' else 'usage' end, metric, coalesce(quantity, 1),
             coalesce(at, now_is), at is not null, period, subject, metadata, now_is, coalesce(key_of_all, key)
        from unnest(e_counter, e_id, e_quantity, e_at, e_subject, e_metadata, e_key)
          as e (counter, id, quantity, at, subject, metadata, key)
        join unnest(c_tenant, c_metric, c_period) with ordinality as c (tenant, metric, period, n) on c.n = counter
       order by tenant, id
      on conflict (tenant_id, event_id) do nothing
      returning tenant_id, metric_name, period, increment
    ), sums as (
      select tenant_id, metric_name, period, count(*) as events, sum(increment) as total, min(increment) as least
        from added group by tenant_id, metric_name, period
    ), wanted as (
      select n, tenant, metric, w.period, period_end, most, sums.events,
             -- 0 = to be decided row by row, or nothing to add
             case when least is null or least < 0 then 0
                  when rule = 'sum' and (most is null or total <= most) then total
                  when rule = 'count' and (most is null or sums.events <= most) then sums.events
                  else 0 end as whole
        from unnest(c_tenant, c_metric, c_period, c_period_end, c_limit, c_rule) with ordinality
          as w (tenant, metric, period, period_end, most, rule, n)
        left join sums on sums.tenant_id = tenant and sums.metric_name = metric and sums.period = w.period
    ), counted as (
      insert into usage_counters as k (tenant_id, metric_name, period_start, period_end, used, grace_limit, updated_at)
      select tenant, metric, period, period_end, whole, most, now_is from wanted order by n
      on conflict (tenant_id, metric_name, period_start) do update
        set used = k.used + excluded.used, version = k.version + 1, grace_limit = excluded.grace_limit,
            updated_at = excluded.updated_at
        where excluded.used > 0 and k.closed_at is null
          and (excluded.grace_limit is null or k.used + k.reserved + excluded.used <= excluded.grace_limit)
      returning k.tenant_id, k.metric_name, k.period_start
    )
    select (select count(*) from added),
           array_agg(n order by n) filter (where events > 0 and (whole = 0 or counted.tenant_id is null))
      into new_rows, unfit
      from wanted left join counted
        on counted.tenant_id = tenant and metric_name = metric and period_start = wanted.period;

    -- All locks are held from here on.
    if new_rows < cardinality(e_id) or unfit is not null then
      select array_agg(b.xmin = pg_current_xact_id()::xid order by n),
             array_agg(n order by n) filter (where b.xmin <> pg_current_xact_id()::xid),
             array_agg(case when b.metric_name = c_metric[counter] and b.increment = coalesce(quantity, 1)
                             and b.subject is not distinct from sent.subject and b.timestamp_given = (at is not null)
                             and (at is null or b.timestamp = at) and b.event_type in ('usage', 'decrement')
                            then 'duplicate' else 'conflict' end
               order by n) filter (where b.xmin <> pg_current_xact_id()::xid)
        into fresh, odd, odd_status
        from unnest(e_counter, e_id, e_quantity, e_at, e_subject) with ordinality
          as sent (counter, id, quantity, at, subject, n)
        join billing_events b on b.tenant_id = c_tenant[counter] and b.event_id = id;
    end if;

    foreach c in array coalesce(unfit, '{}') loop
      select * into strict k from usage_counters
       where tenant_id = c_tenant[c] and metric_name = c_metric[c] and period_start = c_period[c];
      for i in 1 .. cardinality(e_id) loop
        continue when e_counter[i] <> c or not fresh[i];
        quantity := coalesce(e_quantity[i], 1);
        added := case c_rule[c]
          when 'sum' then quantity
          when 'count' then 1
          when 'max' then greatest(quantity - k.used, 0)
          when 'latest' then
            case when k.latest_at is null or coalesce(e_at[i], now_is) >= k.latest_at then quantity - k.used else 0 end
          when 'unique' then
            (not exists (select from usage_subjects s where s.tenant_id = c_tenant[c] and s.metric_name = c_metric[c]
               and s.period_start = c_period[c] and s.subject = e_subject[i]))::int
          end;
        reason := case
          when k.closed_at is not null then 'closed'
          when quantity < 0 and k.used + added < 0 then 'below_zero'
          when quantity > 0 and added > 0 and k.used + k.reserved + added > c_limit[c] then 'limit_exceeded'
          end;
        if reason is not null then
          refused := refused || i;
          odd := odd || i;
          odd_status := odd_status || reason;
          continue;
        end if;
        k.used := k.used + added;
        if c_rule[c] = 'latest' then k.latest_at := greatest(k.latest_at, coalesce(e_at[i], now_is)); end if;
        if c_rule[c] = 'unique' and added > 0 then
          insert into usage_subjects values (c_tenant[c], c_metric[c], c_period[c], e_subject[i]);
        end if;
      end loop;
      update usage_counters
         set used = k.used, latest_at = k.latest_at, version = k.version + 1, grace_limit = c_limit[c],
             updated_at = now_is
       where tenant_id = c_tenant[c] and metric_name = c_metric[c] and period_start = c_period[c];
    end loop;

    if cardinality(refused) > 0 then
      perform withdraw_refused_events(
        (select array_agg(c_tenant[e_counter[r]] order by r) from unnest(refused) r),
        (select array_agg(e_id[r] order by r) from unnest(refused) r));
    end if;

    select array_agg(used order by n), array_agg(reserved order by n), array_agg(version order by n)
      into used, reserved, version
      from unnest(c_tenant, c_metric, c_period) with ordinality as w (tenant, metric, period, n)
      join usage_counters on tenant_id = tenant and metric_name = metric and period_start = w.period;
  end $$;
`;

/** From here on all cached numbers count as unknown, until they are read from Postgres again. */
const RAISE_GENERATION = `
  create function raise_usage_generation() returns bigint language plpgsql volatile as $$
  declare raised bigint;
  begin
    perform pg_advisory_xact_lock(${GENERATION_LOCK});
    update usage_cache_generation set generation = generation + 1 returning generation into raised;
    perform pg_notify('usage_generation', raised::text);
    return raised;
  end $$;
`;

/**
 * Deletes events whose period was closed and ended before the given moment, at most so many at once, and never one
 * that was received within 100 days by the database's own time: the app role may not delete from the ledger, and
 * must not be able to with this. Gauges have no end, so their events stay. The counters stay, too; `events_kept`
 * says that they can no longer be recounted. Answers 0 when nothing is left to do.
 */
const DELETE_OLD = `
  create function delete_old_usage_events(before timestamptz, most int) returns int
  language plpgsql security definer set search_path = public, pg_temp as $$
  declare
    youngest constant timestamptz := clock_timestamp() - interval '100 days';
    -- A reservation may be committed a day after its period.
    ended constant timestamptz := least(before, youngest - interval '2 days');
    tenants uuid[];
    metrics text[];
    periods timestamptz[];
    deleted int;
  begin
    with old as (
      select * from usage_counters
       where closed_at is not null and events_kept <> 'none' and period_end < ended
       order by period_end limit 200 for update skip locked
    ), begun as (
      update usage_counters k set events_kept = 'some' from old
       where k.tenant_id = old.tenant_id and k.metric_name = old.metric_name and k.period_start = old.period_start
      returning k.*
    )
    select array_agg(tenant_id), array_agg(metric_name), array_agg(period_start)
      into tenants, metrics, periods from begun;
    if tenants is null then return 0; end if;

    delete from billing_events b using (
      select e.* from unnest(tenants, metrics, periods) as o (tenant, metric, start) cross join lateral (
        select tenant_id, event_id from billing_events
         where tenant_id = tenant and metric_name = metric and period = start
           and timestamp >= start - interval '36 days' and (received_at < youngest or reverses is not null)
         limit most) e
       limit most) gone
     where b.tenant_id = gone.tenant_id and b.event_id = gone.event_id;
    get diagnostics deleted = row_count;
    if deleted = most then return deleted; end if;

    delete from usage_subjects s using unnest(tenants, metrics, periods) as o (tenant, metric, start)
     where s.tenant_id = tenant and s.metric_name = metric and s.period_start = start;
    update usage_counters k set events_kept = 'none' from unnest(tenants, metrics, periods) as o (tenant, metric, start)
     where k.tenant_id = tenant and k.metric_name = metric and k.period_start = start;
    return deleted + cardinality(tenants);
  end $$;
`;

/** All processes remember entitlements, meters, keys and statuses; this is how they hear that they changed. */
const TELL_CHANGES = `
  create function tell_entitlements() returns trigger language plpgsql as $$
  begin
    perform pg_notify('entitlements', new.tenant_id::text);
    return null;
  end $$;
  create trigger tenant_entitlements_told after insert or update of version on tenant_entitlements
    for each row execute function tell_entitlements();

  create function tell_meters() returns trigger language plpgsql as $$
  begin
    perform pg_notify('meters', '');
    return null;
  end $$;
  create trigger meters_told after insert or update or delete on meters
    for each statement execute function tell_meters();

  create function tell_alert_rules() returns trigger language plpgsql as $$
  begin
    perform pg_notify('alert_rules', coalesce(new.tenant_id, old.tenant_id)::text);
    return null;
  end $$;
  create trigger alert_rules_told after insert or update or delete on alert_rules
    for each row execute function tell_alert_rules();

  create function tell_tenants() returns trigger language plpgsql as $$
  begin
    perform pg_notify('tenants', old.id::text);
    return null;
  end $$;
  create trigger tenants_told
    after delete or update of status, status_until, confirmed_at, suspended_at, locked_at, deletion_scheduled_at
    on tenants for each row execute function tell_tenants();

  create function tell_api_keys() returns trigger language plpgsql as $$
  begin
    perform pg_notify('api_keys', old.public_id);
    return null;
  end $$;
  create trigger api_keys_told
    after delete or update of kind, tenant_id, secret_hash, scopes, tenant_ids, expires_at, revoked_at
    on api_keys for each row execute function tell_api_keys();

  create function tell_clock() returns trigger language plpgsql as $$
  begin
    perform pg_notify('clock', '');
    return null;
  end $$;
  create trigger clock_told after update on clock_offset
    for each statement execute function tell_clock();
`;
