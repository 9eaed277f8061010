/** B1: batches of a thousand events, beside the same rows by a bare INSERT. */
import { BareInsert } from '../baselines/bare-insert';
import { type BenchCase, type BenchContext, Incorrect, type Outcome, ratioLine } from '../bench-case';
import { EventTraffic } from '../load/events';
import { loadSide } from '../load/side';
import { hotSpots } from '../measure/profiling';
import { Stage } from '../stage/stage';
import { addFreePlan, addTenants } from '../stage/tenants';
import { sideNotes } from '../report';
import { inTurns } from '../turns';
import { verifyLedger } from '../verify/ledger';
import { verifyDecisions } from '../verify/decisions';

export const BATCH = 1000;
export const BATCH_CONNECTIONS = 10;
const TENANTS = 50;

export const batchIngest: BenchCase = {
  id: 'B1',
  title: `batch ingest, ${BATCH} events a request, ${TENANTS} tenants`,
  run: ingestBatches,
};

async function ingestBatches(context: BenchContext): Promise<Outcome> {
  const { servers, options } = context;
  const connections = options.connections ?? BATCH_CONNECTIONS;
  const stage = await Stage.open(servers, { profile: options.profile });
  try {
    await addFreePlan(stage);
    const tenants = await addTenants(stage, TENANTS);
    const traffic = new EventTraffic({
      key: stage.serviceKey,
      tenants,
      connections,
      batch: BATCH,
      run: 'b1',
    });
    const bare = await BareInsert.open(stage, tenants);
    const [baseline, service] = await inTurns(
      context,
      [
        { name: 'bare insert', round: (seconds) => bare.round(seconds) },
        loadSide('service', stage.processes, connections, traffic),
      ],
      () => stage.profiling?.begin(),
    );
    const profile = await stage.profiling?.end();
    if (!(await bare.isComplete())) throw new Incorrect(['the baseline lost rows']);
    await bare.close();
    await verifyLedger(stage.sql, [traffic]);
    await verifyDecisions(stage);
    const figures = { figure: service!.perSecond, baseline: baseline!.perSecond };
    return {
      lines: [ratioLine({ case: 'B1', what: 'batch ingest', unit: 'events/s', ...figures }, 0.8)],
      notes: [
        `B1: ${connections} connections`,
        ...sideNotes('B1', { service: service!, 'bare insert': baseline! }),
        ...hotSpots('B1', profile),
      ],
      sides: { baseline: baseline!, service: service! },
    };
  } finally {
    await stage.close();
  }
}
