/** B3: "may I?", asked in its two ways, beside routes with one Redis GET. */
import { fillBaselineRedis, startBaseline } from '../baselines/baseline-process';
import { type BenchCase, type BenchContext, boundLine, type Outcome, ratioLine } from '../bench-case';
import { METRIC } from '../load/events';
import { Questions } from '../load/questions';
import type { RequestParts } from '../load/request';
import { loadSide } from '../load/side';
import { hotSpots } from '../measure/profiling';
import { sideNotes } from '../report';
import { Stage } from '../stage/stage';
import { addFreePlan, addTenants, FEATURE } from '../stage/tenants';
import { inTurns, type Side } from '../turns';
import { verifyChecks } from '../verify/checks';

export const CHECK_CONNECTIONS = 32;
const TENANTS = 50;
const P99_MS = 5;

export const limitChecks: BenchCase = {
  id: 'B3',
  title: `limit and feature checks, ${CHECK_CONNECTIONS} connections, ${TENANTS} tenants`,
  run: checkLimits,
};

export function checkRequest(key: string): RequestParts {
  const body = JSON.stringify({ metric: METRIC, count: 1 });
  return { method: 'POST', path: '/v1/billings/limits/check', key, body };
}

export function featureRequest(key: string): RequestParts {
  return { method: 'GET', path: `/v1/billings/access/features/${FEATURE}`, key };
}

/** In the body of every answer that says yes. */
export const YES = '"allowed":true';

async function checkLimits(context: BenchContext): Promise<Outcome> {
  const { servers, options } = context;
  const connections = options.connections ?? CHECK_CONNECTIONS;
  const stage = await Stage.open(servers, { profile: options.profile });
  const bare = await startBaseline(servers, 'bare-nest');
  try {
    await addFreePlan(stage);
    const tenants = await addTenants(stage, TENANTS);
    await fillBaselineRedis(servers, tenants);
    const side = (name: string, to: { pid: number; port: number }, request: RequestParts): Side =>
      loadSide(name, [to], connections, new Questions({ request, tenants, connections, wanted: YES }));
    const [bareCheck, check, bareFeature, feature] = await inTurns(
      context,
      [
        side('bare nest + GET, check', bare, checkRequest(stage.serviceKey)),
        side('limits/check', stage.process, checkRequest(stage.serviceKey)),
        side('bare nest + GET, feature', bare, featureRequest(stage.serviceKey)),
        side('access/features', stage.process, featureRequest(stage.serviceKey)),
      ],
      () => stage.profiling?.begin(),
    );
    const profile = await stage.profiling?.end();
    await verifyChecks(stage, tenants);
    const rate = (what: string, figure: number, baseline: number) =>
      ratioLine({ case: 'B3', what, unit: 'requests/s', figure, baseline }, 0.8);
    const p99 = (what: string, figure: number, baseline: number) =>
      boundLine({ case: 'B3', what: `${what} p99`, unit: 'ms', figure, baseline }, P99_MS);
    return {
      lines: [
        rate('limits/check', check!.perSecond, bareCheck!.perSecond),
        p99('limits/check', check!.p99Ms, bareCheck!.p99Ms),
        rate('access/features', feature!.perSecond, bareFeature!.perSecond),
        p99('access/features', feature!.p99Ms, bareFeature!.p99Ms),
      ],
      notes: [
        ...sideNotes('B3', {
          'limits/check': check!,
          'access/features': feature!,
          'bare check': bareCheck!,
          'bare feature': bareFeature!,
        }),
        ...hotSpots('B3', profile),
      ],
      sides: {
        check: check!,
        bareCheck: bareCheck!,
        feature: feature!,
        bareFeature: bareFeature!,
      },
    };
  } finally {
    await bare.stop();
    await stage.close();
  }
}
