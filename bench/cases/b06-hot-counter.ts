/** B6: all single events on one tenant and metric, beside the same events on fifty tenants. */
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
import { SINGLE_CONNECTIONS, SINGLE_TENANTS } from './b02-single-events';

export const hotCounter: BenchCase = {
  id: 'B6',
  title: 'one hot counter: single events on one tenant and metric',
  run: recordOnOne,
};

async function recordOnOne(context: BenchContext): Promise<Outcome> {
  const { servers, options } = context;
  const connections = options.connections ?? SINGLE_CONNECTIONS;
  const stage = await Stage.open(servers, { profile: options.profile });
  try {
    await addFreePlan(stage);
    const tenants = await addTenants(stage, SINGLE_TENANTS);
    const [hot] = await addTenants(stage, 1);
    const traffic = (run: string, on: string[]) =>
      new EventTraffic({ key: stage.serviceKey, tenants: on, connections, batch: 1, run });
    const many = traffic('many', tenants);
    const one = traffic('one', [hot!]);
    const [spread, single] = await inTurns(
      context,
      [
        loadSide('fifty tenants', stage.processes, connections, many),
        loadSide('one counter', stage.processes, connections, one),
      ],
      () => stage.profiling?.begin(),
    );
    const profile = await stage.profiling?.end();
    await verifyLedger(stage.sql, [many, one]);
    await verifyDecisions(stage);
    const figures = { figure: single!.perSecond, baseline: spread!.perSecond };
    return {
      lines: [ratioLine({ case: 'B6', what: 'one hot counter', unit: 'events/s', ...figures }, 0.8)],
      notes: [
        ...sideNotes('B6', { 'one counter': single!, 'fifty tenants': spread! }),
        ...hotSpots('B6', profile),
      ],
      sides: { baseline: spread!, service: single! },
    };
  } finally {
    await stage.close();
  }
}
