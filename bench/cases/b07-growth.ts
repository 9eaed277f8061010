/** B7: batches and checks when there are very many tenants, or a very long ledger, beside the same when small. */
import { type BenchCase, type BenchContext, Incorrect, type Outcome, ratioLine } from '../bench-case';
import { drive } from '../load/drive';
import { EventTraffic } from '../load/events';
import { Questions } from '../load/questions';
import { loadSide } from '../load/side';
import { sideNotes } from '../report';
import { seedLedger } from '../stage/ledger';
import { Stage } from '../stage/stage';
import { addFreePlan, addTenantsBySql } from '../stage/tenants';
import { inTurns } from '../turns';
import { wrongUsage } from '../verify/checks';
import { verifyLedger } from '../verify/ledger';
import { BATCH, BATCH_CONNECTIONS } from './b01-batch-ingest';
import { CHECK_CONNECTIONS, checkRequest, YES } from './b03-limit-checks';

const FEW_TENANTS = 10;
const FULL = { tenants: 100_000, events: 10_000_000 };
const USUAL = { tenants: 10_000, events: 1_000_000 };
/** How many tenants are recounted. */
const RECOUNTED = 200;

export const growth: BenchCase = {
  id: 'B7',
  title: 'growth: many tenants, a long ledger',
  run: measureGrowth,
};

/** A size of the world, and what is asked of it. */
interface World {
  readonly name: string;
  readonly stage: Stage;
  readonly tenants: string[];
  readonly batches: EventTraffic;
  readonly checks: Questions;
}

async function measureGrowth(context: BenchContext): Promise<Outcome> {
  const size = context.options.full ? FULL : USUAL;
  const worlds: World[] = [];
  try {
    // Side by side on one server, so that the sizes are measured in turns.
    worlds.push(await openWorld(context, 'small', FEW_TENANTS, 0));
    worlds.push(await openWorld(context, 'tenants', size.tenants, 0));
    worlds.push(await openWorld(context, 'ledger', FEW_TENANTS, size.events));
    const firstPass = await askEachOnce(worlds[1]!);
    const results = await inTurns(
      context,
      worlds.flatMap(({ name, stage, batches, checks }) => [
        loadSide(`batches, ${name}`, stage.processes, BATCH_CONNECTIONS, batches),
        loadSide(`checks, ${name}`, stage.processes, CHECK_CONNECTIONS, checks),
      ]),
    );
    for (const { stage, batches, tenants } of worlds) {
      await verifyLedger(stage.sql, [batches]);
      const faults = await wrongUsage(stage, tenants.slice(0, RECOUNTED));
      if (faults.length > 0) throw new Incorrect(faults.slice(0, 5));
    }
    const [smallB1, smallB3, tenantsB1, tenantsB3, ledgerB1, ledgerB3] = results;
    const manyTenants = `${FEW_TENANTS} → ${size.tenants.toLocaleString('en')} tenants`;
    const longLedger = `ledger 0 → ${size.events.toLocaleString('en')} rows`;
    const line = (what: string, unit: string, figure: number, baseline: number) =>
      ratioLine({ case: 'B7', what, unit, figure, baseline }, 0.8);
    return {
      lines: [
        line(`batches, ${manyTenants}`, 'events/s', tenantsB1!.perSecond, smallB1!.perSecond),
        line(`checks, ${manyTenants}`, 'requests/s', tenantsB3!.perSecond, smallB3!.perSecond),
        line(`batches, ${longLedger}`, 'events/s', ledgerB1!.perSecond, smallB1!.perSecond),
        line(`checks, ${longLedger}`, 'requests/s', ledgerB3!.perSecond, smallB3!.perSecond),
      ],
      notes: [
        `B7: the first check of each of ${size.tenants.toLocaleString('en')} tenants took ${firstPass.toFixed(1)} s`,
        ...(context.options.full ? [] : ['B7: --full measures 100,000 tenants and 10 M rows']),
        ...sideNotes('B7', {
          'batches, small': smallB1!,
          'batches, many tenants': tenantsB1!,
          'batches, long ledger': ledgerB1!,
          'checks, small': smallB3!,
          'checks, many tenants': tenantsB3!,
          'checks, long ledger': ledgerB3!,
        }),
      ],
      sides: {
        smallB1: smallB1!,
        smallB3: smallB3!,
        tenantsB1: tenantsB1!,
        tenantsB3: tenantsB3!,
        ledgerB1: ledgerB1!,
        ledgerB3: ledgerB3!,
      },
    };
  } finally {
    await Promise.all(worlds.map(({ stage }) => stage.close()));
  }
}

async function openWorld(
  { servers, say }: BenchContext,
  name: string,
  tenantCount: number,
  events: number,
): Promise<World> {
  const stage = await Stage.open(servers);
  try {
    await addFreePlan(stage);
    const tenants = await addTenantsBySql(stage, tenantCount);
    if (events > 0) await seedLedger(stage, tenants, events, say);
    const key = stage.serviceKey;
    return {
      name,
      stage,
      tenants,
      batches: new EventTraffic({ key, tenants, connections: BATCH_CONNECTIONS, batch: BATCH, run: name }),
      checks: new Questions({
        request: checkRequest(key),
        tenants,
        connections: CHECK_CONNECTIONS,
        wanted: YES,
      }),
    };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

/** What is asked for the first time is not remembered yet: paid once, before the rounds. Answers the seconds. */
async function askEachOnce({ stage, tenants, checks }: World): Promise<number> {
  const ports = Array.from({ length: CHECK_CONNECTIONS }, () => stage.process.port);
  const startedAt = performance.now();
  for (let asked = 0; asked < tenants.length;) {
    const { units } = await drive({ ports, seconds: 1 }, checks);
    asked += units;
  }
  return (performance.now() - startedAt) / 1000;
}
