import { randomUUID } from 'node:crypto';
import { UsageReservations } from '../../src/modules/usage/reservations/usage-reservations.service';
import { Clock } from '../../src/platform/clock';
import type { ApiAnswer } from '../support/api';
import { seeded } from '../support/random';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** Events, reservations and corrections of one counter at the same time: I1 and I3, recounted in SQL. */
const LIMIT = 40;
const WORKERS = 8;
const STEPS = 20;

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  await service.makePlan({ slug: 'free', amount: 0, limits: { email_sends: LIMIT } });
});
afterAll(() => service.close());

interface Recount {
  used: string;
  reserved: string;
  counted: string;
  held: string;
}

/** The counter beside what it is made of, at one moment: they agree at every moment, not only in the end. */
async function recount(tenant: TestTenant): Promise<void> {
  const [row] = await service.rows<Recount>(
    `select used, reserved,
            (select coalesce(sum(increment), 0) from billing_events e where e.tenant_id = k.tenant_id) as counted,
            (select coalesce(sum(quantity), 0) from usage_reservations r
              where r.tenant_id = k.tenant_id and status = 'held') as held
       from usage_counters k where tenant_id = $1`,
    [tenant.id],
  );
  // Nothing was counted yet.
  if (!row) return;
  expect([row.used, row.reserved]).toEqual([row.counted, row.held]);
  expect(Number(row.used) + Number(row.reserved)).toBeLessThanOrEqual(LIMIT);
}

it.each([1, 2, 3])(
  'whatever is done at once, the counter is the ledger and stays within the limit (seed %i)',
  async (seed) => {
    const tenant = await service.makeTenant();
    const random = seeded(seed);
    const below = (most: number): number => Math.floor(random() * most);
    const held: string[] = [];
    const counted: string[] = [];
    const tally = new Map<string, number>();
    const post = (path: string, body: object): Promise<ApiAnswer> =>
      service.api('POST', `/v1/billings/usage/${path}`, { key: tenant.key, body });
    const steps: Record<string, () => Promise<ApiAnswer | null>> = {
      record: async () => {
        const answer = await post('events', {
          event_id: randomUUID(),
          metric: 'email_sends',
          quantity: 1 + below(4),
        });
        if (answer.status === 201) counted.push(answer.body.event_id);
        return answer;
      },
      reserve: async () => {
        const answer = await post('reservations', {
          metric: 'email_sends',
          quantity: 1 + below(6),
          ttl_seconds: below(2) === 0 ? 60 : 3600,
        });
        if (answer.status === 201) held.push(answer.body.id);
        return answer;
      },
      commit: async () => {
        const id = held.at(below(held.length));
        if (!id) return null;
        const answer = await post(`reservations/${id}/commit`, below(2) === 0 ? {} : { quantity: 1 });
        if (answer.status === 200) counted.push(answer.body.event_id);
        return answer;
      },
      release: async () => {
        const id = held.at(below(held.length));
        return id ? post(`reservations/${id}/release`, {}) : null;
      },
      correct: async () => {
        const id = counted.at(below(counted.length));
        return id
          ? service.api('POST', '/v1/billings/usage/corrections', {
              key: service.adminKey,
              tenantId: tenant.id,
              body: { event_id: id, reason: 'Undone' },
            })
          : null;
      },
      expire: async () => {
        const soon = new Date(service.get(Clock).now().getTime() + 120_000);
        await service.get(UsageReservations).expireDueAcrossTenants(soon, 100);
        return null;
      },
    };
    const names = [
      'record',
      'record',
      'record',
      'reserve',
      'reserve',
      'commit',
      'release',
      'correct',
      'expire',
    ];

    await Promise.all(
      Array.from({ length: WORKERS }, async () => {
        for (let step = 0; step < STEPS; step++) {
          const name = names[below(names.length)]!;
          const answer = await steps[name]!();
          const outcome = `${name} ${answer?.status ?? 'done'}`;
          tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
          await recount(tenant);
        }
      }),
    );

    const happened = (outcome: string): number => tally.get(outcome) ?? 0;
    for (const outcome of ['record 201', 'reserve 201', 'commit 200', 'correct 201'])
      expect([outcome, happened(outcome)]).not.toEqual([outcome, 0]);
    // Refusals there may be; whatever else is a fault.
    const odd = [...tally.keys()].filter((outcome) => !/ (done|200|201|402|409|503)$/.test(outcome));
    expect(odd).toEqual([]);
  },
  90_000,
);
