/** B11: a warm `npm start` to its first answer, and the service's memory, idle and after B1's work. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type BenchCase, type BenchContext, boundLine, type Outcome } from '../bench-case';
import { drive } from '../load/drive';
import { EventTraffic } from '../load/events';
import { residentBytes } from '../measure/cpu';
import { npmStart } from '../stage/npm-start';
import { Stage } from '../stage/stage';
import { addFreePlan, addTenants } from '../stage/tenants';
import { median } from '../turns';
import { verifyLedger } from '../verify/ledger';
import { BATCH, BATCH_CONNECTIONS } from './b01-batch-ingest';

const START_S = 6;
const IDLE_MB = 200;
const AFTER_B1_MB = 400;
const TENANTS = 50;
const MB = 1024 * 1024;
/** Long enough for what the start left in memory to be collected, or not. */
const IDLE_MS = 10_000;

export const start: BenchCase = {
  id: 'B11',
  title: 'warm npm start; memory idle and after B1',
  run: measureStart,
};

async function measureStart(context: BenchContext): Promise<Outcome> {
  const starts = await warmStarts(context);
  const after = await memoryAfterBatches(context);
  const seconds = median(starts.map((one) => one.seconds));
  const idle = median(starts.map((one) => one.idleMb));
  return {
    lines: [
      boundLine({ case: 'B11', what: 'warm npm start to first 200', unit: 's', figure: seconds }, START_S),
      boundLine({ case: 'B11', what: 'memory idle', unit: 'MB', figure: idle }, IDLE_MB),
      boundLine({ case: 'B11', what: 'memory after B1', unit: 'MB', figure: after.afterMb }, AFTER_B1_MB),
    ],
    notes: [
      `B11: starts ${starts.map((one) => one.seconds.toFixed(2)).join(', ')} s; idle = ${IDLE_MS / 1000} s after the start`,
      `B11: while B1 ran at most ${Math.round(after.mostMb)} MB`,
    ],
    sides: {},
  };
}

interface WarmStart {
  readonly seconds: number;
  readonly idleMb: number;
}

async function warmStarts({ servers, options, say }: BenchContext): Promise<WarmStart[]> {
  const folder = join(servers.folder, 'npm-start');
  // The first start makes the cluster and seeds the demo company.
  const cold = await npmStart(folder);
  say(`  first start: ${cold.seconds.toFixed(2)} s`);
  await cold.stop();
  const starts: WarmStart[] = [];
  while (starts.length < options.rounds) {
    const { seconds, built, servicePid, stop } = await npmStart(folder);
    await pause(IDLE_MS);
    const idleMb = residentBytes(servicePid) / MB;
    await stop();
    // Somebody changed a source meanwhile.
    if (built) continue;
    say(`  warm start: ${seconds.toFixed(2)} s, idle ${Math.round(idleMb)} MB`);
    starts.push({ seconds, idleMb });
  }
  return starts;
}

async function memoryAfterBatches(context: BenchContext): Promise<{ afterMb: number; mostMb: number }> {
  const { rounds, seconds } = context.options;
  const stage = await Stage.open(context.servers);
  try {
    await addFreePlan(stage);
    const tenants = await addTenants(stage, TENANTS);
    const traffic = new EventTraffic({
      key: stage.serviceKey,
      tenants,
      connections: BATCH_CONNECTIONS,
      batch: BATCH,
      run: 'b11',
    });
    const { pid, port } = stage.process;
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, residentBytes(pid))), 100);
    const ports = Array.from({ length: BATCH_CONNECTIONS }, () => port);
    await drive({ ports, seconds: rounds * seconds }, traffic);
    clearInterval(watch);
    const afterMb = residentBytes(pid) / MB;
    await verifyLedger(stage.sql, [traffic]);
    return { afterMb, mostMb: Math.max(most / MB, afterMb) };
  } finally {
    await stage.close();
  }
}
