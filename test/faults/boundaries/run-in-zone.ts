/**
 * Lives all boundary cases in a service whose process is in the time zone of TZ, and prints what came of them as
 * JSON. A process of its own, because a process has one time zone.
 */
import { Clock } from '../../../src/platform/clock';
import { UsageCloseJobs } from '../../../src/modules/usage/upkeep/usage-close.jobs';
import { UsageRollupJobs } from '../../../src/modules/usage/upkeep/usage-rollup.jobs';
import { startTestService } from '../../support/service';
import { CASES } from './cases';

/** What a run prints. */
export interface ZoneRun {
  /** Minutes from its clock to UTC, in January: the proof that it is where it should be. */
  offset: number;
  /** Of each case: the start of its period, or the code of the refusal. */
  answers: { name: string; told: string; late: boolean | null }[];
  ledger: unknown[];
  archive: unknown[];
}

const LAST = Date.parse('2028-06-15T00:00:00Z');
const ROLLED_UP = ['2027-02-28T00:00:00Z', '2027-03-01T00:00:00Z', '2027-03-02T00:00:00Z'];

async function main(): Promise<ZoneRun> {
  const service = await startTestService({ env: { ROLE: 'api', TRIAL_PLAN_SLUG: '' } });
  try {
    await service.rows(
      `insert into meters (key, name, unit, aggregation, kind, late_usage) values ('strict', 'strict', 'u', 'sum', 'flow', 'reject')`,
    );
    await service.makePlan({ slug: 'free', amount: 0, limits: { api_calls: null, strict: null } });
    const clock = service.get(Clock);
    let now = 0;
    clock.now = () => new Date(now);
    const answers: ZoneRun['answers'] = [];
    // In the order of time, so that no case has a future of another behind it.
    const ordered = [...CASES.entries()].sort(([, a], [, b]) => Date.parse(a.now) - Date.parse(b.now));
    const names = new Map<string, string>();
    for (const [at, { name, anchor, now: moment, timestamp, strict }] of ordered) {
      now = Date.parse(moment);
      const tenant = await service.makeTenant();
      names.set(tenant.id, `case ${at}`);
      await service.api('GET', '/v1/billings/limits', { key: tenant.key });
      if (anchor !== null)
        await service.rows(
          'update tenant_entitlements set anchor = $2, version = version + 1 where tenant_id = $1',
          [tenant.id, anchor],
        );
      const { status, body } = await service.api('POST', '/v1/billings/usage/events', {
        key: tenant.key,
        body: {
          event_id: `case-${at}`,
          metric: strict ? 'strict' : 'api_calls',
          ...(timestamp && { timestamp }),
        },
      });
      answers[at] = {
        name,
        told: status === 201 ? (body.period_start as string) : (body.code as string),
        late: status === 201 ? (body.is_late as boolean) : null,
      };
    }
    const run = (moment: string | null) => ({
      slot: moment === null ? null : new Date(moment),
      fence: null,
      previous: null,
    });
    for (const midnight of ROLLED_UP) await service.get(UsageRollupJobs).run({}, run(midnight));
    now = LAST;
    await service.get(UsageCloseJobs).run({}, run(null));
    const named = (rows: Record<string, unknown>[]): unknown[] =>
      rows
        .map(({ tenant_id, ...row }) => ({ of: names.get(tenant_id as string), ...row }))
        .map((row) => JSON.stringify(row))
        .sort();
    const ledger = await service.rows<Record<string, unknown>>(
      `select tenant_id, event_id, metric_name, timestamp::text, period::text, received_at::text from billing_events`,
    );
    const archive = await service.rows<Record<string, unknown>>(
      `select tenant_id, metric_name, period_kind, period_date::text, period_start::text, current_usage::text from tenant_usage`,
    );
    return {
      offset: new Date(2027, 0, 15).getTimezoneOffset(),
      answers,
      ledger: named(ledger),
      archive: named(archive),
    };
  } finally {
    await service.close();
  }
}

main().then(
  (run) => process.stdout.write(JSON.stringify(run), () => process.exit(0)),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).stack}\n`);
    process.exit(1);
  },
);
