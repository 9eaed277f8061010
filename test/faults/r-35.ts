import { startTestServers } from '../support/servers';
import { ModelService } from './model/model-service';
import { agreesWithModel } from './model/run-model';
import { Findings, type Report, type Scenario, type Size } from './scenario';

const SIZES = { short: 100, long: 10_000 };
const STEPS = 40;
/** Another service for each, so that nothing of a long run hides or causes something in the rest of it. */
const AT_ONCE = 1_000;

/** random histories agree with a model. */
export const r35: Scenario = {
  id: 'R-35',
  title: 'random histories of usage in one service and in a model of it; MODEL_SEED repeats them',
  needsCluster: false,
  run,
};

async function run(_: unknown, size: Size): Promise<Report> {
  const findings = new Findings();
  const histories = Number(process.env.MODEL_RUNS ?? SIZES[size]);
  const seed = Number(process.env.MODEL_SEED ?? Date.now() % 1_000_000_000);
  const servers = await startTestServers();
  let lived = 0;
  try {
    for (let round = 0; lived < histories; round++) {
      const runs = Math.min(AT_ONCE, histories - lived);
      const service = await ModelService.start();
      try {
        await agreesWithModel(service, { runs, steps: STEPS, seed: seed + round });
      } finally {
        await service.close();
      }
      lived += runs;
      process.stderr.write(`  ${lived} histories\n`);
    }
  } catch (error) {
    findings.fail((error as Error).message);
  } finally {
    await servers.stop();
  }
  findings.note('seed', String(seed));
  findings.must('histories', lived, histories);
  return findings.report();
}
