/** B2: one event a request, durable and checked, beside a route that only asks Redis. */
import { fillBaselineRedis, startBaseline } from '../baselines/baseline-process';
import { type BenchCase, type BenchContext, type Outcome, ratioLine } from '../bench-case';
import { EventTraffic } from '../load/events';
import { loadSide } from '../load/side';
import { hotSpots } from '../measure/profiling';
import { sideNotes } from '../report';
import { Stage } from '../stage/stage';
import { addFreePlan, addTenants } from '../stage/tenants';
import { inTurns } from '../turns';
import { verifyDecisions } from '../verify/decisions';
import { verifyLedger } from '../verify/ledger';

export const SINGLE_CONNECTIONS = 64;
export const SINGLE_TENANTS = 50;

export const singleEvents: BenchCase = {
  id: 'B2',
  title: `single events, ${SINGLE_CONNECTIONS} connections, ${SINGLE_TENANTS} tenants`,
  run: recordSingles,
};

async function recordSingles(context: BenchContext): Promise<Outcome> {
  const { servers, options } = context;
  const connections = options.connections ?? SINGLE_CONNECTIONS;
  const stage = await Stage.open(servers, { profile: options.profile });
  const bare = await startBaseline(servers, 'bare-nest');
  try {
    await addFreePlan(stage);
    const tenants = await addTenants(stage, SINGLE_TENANTS);
    await fillBaselineRedis(servers, tenants);
    const traffic = (run: string) =>
      new EventTraffic({ key: stage.serviceKey, tenants, connections, batch: 1, run });
    const toBare = traffic('bare');
    const toService = traffic('b2');
    const [baseline, service] = await inTurns(
      context,
      [
        loadSide('bare nest + lua', [bare], connections, toBare),
        loadSide('service', stage.processes, connections, toService),
      ],
      () => stage.profiling?.begin(),
    );
    const profile = await stage.profiling?.end();
    await verifyLedger(stage.sql, [toService]);
    await verifyDecisions(stage);
    const figures = { figure: service!.perSecond, baseline: baseline!.perSecond };
    return {
      lines: [ratioLine({ case: 'B2', what: 'single events', unit: 'events/s', ...figures }, 0.75)],
      notes: [
        ...sideNotes('B2', { service: service!, 'bare nest + lua': baseline! }),
        ...hotSpots('B2', profile),
      ],
      sides: { baseline: baseline!, service: service! },
    };
  } finally {
    await bare.stop();
    await stage.close();
  }
}
