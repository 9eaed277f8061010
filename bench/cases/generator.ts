/** G0: what the load generator itself can do and costs, since it shares two cores with the service. */
import { startBaseline } from '../baselines/baseline-process';
import type { BenchCase, BenchContext, Outcome } from '../bench-case';
import { EventTraffic } from '../load/events';
import { loadSide } from '../load/side';
import { sideNotes } from '../report';
import { inTurns } from '../turns';

const CONNECTIONS = 64;

export const generator: BenchCase = {
  id: 'G0',
  title: 'load generator against a server that only answers',
  run: driveAnswering,
};

async function driveAnswering(context: BenchContext): Promise<Outcome> {
  const server = await startBaseline(context.servers, 'answering');
  const traffic = new EventTraffic({
    key: 'nobody',
    tenants: ['00000000-0000-4000-8000-000000000000'],
    connections: CONNECTIONS,
    batch: 1,
    run: 'g0',
  });
  const [driven] = await inTurns(context, [loadSide('generator', [server], CONNECTIONS, traffic)]);
  await server.stop();
  const microseconds = (driven!.cores.generator! / driven!.perSecond) * 1e6;
  return {
    lines: [
      {
        case: 'G0',
        what: 'generator',
        unit: 'requests/s',
        figure: driven!.perSecond,
        baseline: null,
        ratio: null,
        goal: '',
        ok: null,
      },
    ],
    notes: [
      `G0: ${microseconds.toFixed(1)} µs of processor time a request`,
      ...sideNotes('G0', { generator: driven! }),
    ],
    sides: { generator: driven! },
  };
}
