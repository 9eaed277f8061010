/** B12: single events over two service processes, beside one; both share the two cores with everything else. */
import { type BenchCase, type BenchContext, type Outcome, ratioLine } from '../bench-case';
import { EventTraffic } from '../load/events';
import { loadSide } from '../load/side';
import { sideNotes } from '../report';
import { Stage } from '../stage/stage';
import { addFreePlan, addTenants } from '../stage/tenants';
import { inTurns } from '../turns';
import { verifyDecisions } from '../verify/decisions';
import { verifyLedger } from '../verify/ledger';
import { SINGLE_CONNECTIONS, SINGLE_TENANTS } from './b02-single-events';

export const replicas: BenchCase = {
  id: 'B12',
  title: 'replicas: single events on two processes',
  run: recordOnTwo,
};

async function recordOnTwo(context: BenchContext): Promise<Outcome> {
  const connections = context.options.connections ?? SINGLE_CONNECTIONS;
  // Both run all the time: the second one idles while the first is measured alone.
  const stage = await Stage.open(context.servers, { processes: 2 });
  try {
    await addFreePlan(stage);
    const tenants = await addTenants(stage, SINGLE_TENANTS);
    const traffic = (run: string) =>
      new EventTraffic({ key: stage.serviceKey, tenants, connections, batch: 1, run });
    // The same tenants for both: two processes must agree about every counter.
    const toOne = traffic('one');
    const toBoth = traffic('both');
    const [one, both] = await inTurns(context, [
      loadSide('one process', [stage.process], connections, toOne),
      loadSide('two processes', stage.processes, connections, toBoth),
    ]);
    await verifyLedger(stage.sql, [toOne, toBoth]);
    await verifyDecisions(stage);
    const figures = { figure: both!.perSecond, baseline: one!.perSecond };
    return {
      lines: [ratioLine({ case: 'B12', what: '1 → 2 processes', unit: 'events/s', ...figures }, 0.95)],
      notes: sideNotes('B12', { 'two processes': both!, 'one process': one! }),
      sides: { baseline: one!, service: both! },
    };
  } finally {
    await stage.close();
  }
}
