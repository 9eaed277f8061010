/** B4: a delivery of Stripe, proven, stored and answered, beside a bare route with one INSERT. */
import { startBaseline } from '../baselines/baseline-process';
import {
  type BenchCase,
  type BenchContext,
  boundLine,
  Incorrect,
  type Outcome,
  ratioLine,
} from '../bench-case';
import { Deliveries } from '../load/deliveries';
import { loadSide } from '../load/side';
import { hotSpots } from '../measure/profiling';
import { sideNotes } from '../report';
import { Stage } from '../stage/stage';
import { inTurns } from '../turns';

const CONNECTIONS = 16;
const P99_MS = 50;

export const webhooks: BenchCase = {
  id: 'B4',
  title: `webhook acknowledgement, ${CONNECTIONS} connections, workers stopped`,
  run: acknowledge,
};

async function acknowledge(context: BenchContext): Promise<Outcome> {
  const { servers, options } = context;
  const connections = options.connections ?? CONNECTIONS;
  const stage = await Stage.open(servers, { profile: options.profile, environment: { ROLE: 'api' } });
  await stage.sql.query(
    `create table bare_inbox (event_id text primary key, payload bytea not null, received_at timestamptz default now());
     grant insert on bare_inbox to app`,
  );
  const bare = await startBaseline(servers, 'bare-inbox', { DATABASE_URL: stage.appUrl });
  try {
    const secret = servers.secrets.stripeWebhookSecret;
    const [toBare, toService] = [new Deliveries(secret, 0), new Deliveries(secret, 500_000_000)];
    const [baseline, service] = await inTurns(
      context,
      [
        loadSide('bare fastify + insert', [bare], connections, toBare),
        loadSide('service', [stage.process], connections, toService),
      ],
      () => stage.profiling?.begin(),
    );
    const profile = await stage.profiling?.end();
    await verifyInbox(stage, toService);
    return {
      lines: [
        ratioLine(
          {
            case: 'B4',
            what: 'webhooks acknowledged',
            unit: 'deliveries/s',
            figure: service!.perSecond,
            baseline: baseline!.perSecond,
          },
          0.6,
        ),
        boundLine(
          {
            case: 'B4',
            what: 'webhooks acknowledged p99',
            unit: 'ms',
            figure: service!.p99Ms,
            baseline: baseline!.p99Ms,
          },
          P99_MS,
        ),
      ],
      notes: [
        ...sideNotes('B4', { service: service!, 'bare fastify + insert': baseline! }),
        ...hotSpots('B4', profile),
      ],
      sides: { service: service!, baseline: baseline! },
    };
  } finally {
    await bare.stop();
    await stage.close();
  }
}

/** @throws Incorrect when something acknowledged is not in the inbox, or there twice */
async function verifyInbox(stage: Stage, { acknowledged }: Deliveries): Promise<void> {
  const { rows } = await stage.sql.query<{ stored: string; distinct: string }>(
    `select count(*) as stored, count(distinct event_id) as distinct from stripe_events where event_id like 'evt_bench_%'`,
  );
  const { stored, distinct } = rows[0]!;
  if (Number(stored) !== acknowledged || stored !== distinct)
    throw new Incorrect([
      `${acknowledged} were acknowledged, ${stored} are stored, ${distinct} of them different`,
    ]);
}
