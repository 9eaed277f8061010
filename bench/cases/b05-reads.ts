/** B5: the price list and a tenant's subscription, beside routes that answer with a constant. */
import { startBaseline } from '../baselines/baseline-process';
import { type BenchCase, type BenchContext, type Outcome, ratioLine } from '../bench-case';
import { Questions } from '../load/questions';
import type { RequestParts } from '../load/request';
import { loadSide } from '../load/side';
import { hotSpots } from '../measure/profiling';
import { sideNotes } from '../report';
import { Stage } from '../stage/stage';
import { addFreePlan, addTenants } from '../stage/tenants';
import { inTurns, type Side } from '../turns';

const CONNECTIONS = 32;
const TENANTS = 50;

export const reads: BenchCase = {
  id: 'B5',
  title: `price list and subscription, ${CONNECTIONS} connections`,
  run: read,
};

async function read(context: BenchContext): Promise<Outcome> {
  const { servers, options } = context;
  const connections = options.connections ?? CONNECTIONS;
  const stage = await Stage.open(servers, { profile: options.profile });
  const bare = await startBaseline(servers, 'bare-nest');
  try {
    await addFreePlan(stage);
    const tenants = await addTenants(stage, TENANTS);
    const plans: RequestParts = { method: 'GET', path: '/v1/plans' };
    const own: RequestParts = { method: 'GET', path: '/v1/billings/subscription', key: stage.serviceKey };
    const side = (
      name: string,
      to: { pid: number; port: number },
      request: RequestParts,
      wanted: string,
    ): Side => loadSide(name, [to], connections, new Questions({ request, tenants, connections, wanted }));
    const [bareList, list, bareOwn, subscription] = await inTurns(
      context,
      [
        side('bare nest, constant list', bare, plans, '"data"'),
        side('plans', stage.process, plans, '"data"'),
        side('bare nest, constant object', bare, own, '"status"'),
        side('subscription', stage.process, own, '"status"'),
      ],
      () => stage.profiling?.begin(),
    );
    const profile = await stage.profiling?.end();
    const rate = (what: string, figure: number, baseline: number, goal: number) =>
      ratioLine({ case: 'B5', what, unit: 'requests/s', figure, baseline }, goal);
    return {
      lines: [
        rate('GET /v1/plans', list!.perSecond, bareList!.perSecond, 0.5),
        rate('GET /v1/billings/subscription', subscription!.perSecond, bareOwn!.perSecond, 0.25),
      ],
      notes: [
        ...sideNotes('B5', {
          plans: list!,
          subscription: subscription!,
          'bare list': bareList!,
          'bare object': bareOwn!,
        }),
        ...hotSpots('B5', profile),
      ],
      sides: { list: list!, subscription: subscription!, bareList: bareList!, bareOwn: bareOwn! },
    };
  } finally {
    await bare.stop();
    await stage.close();
  }
}
