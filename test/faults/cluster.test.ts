import { Cluster } from './cluster';
import { r01 } from './r-01';
import { r02 } from './r-02';
import { r04 } from './r-04';
import { r06 } from './r-06';
import { r08 } from './r-08';
import { r10 } from './r-10';
import { r12 } from './r-12';
import { r15 } from './r-15';
import { races } from './races';
import type { Scenario } from './scenario';

/** The fault tests at a size for every run: three replicas, killed and cut off. The long ones: npm run test:faults. */
let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
}, 90_000);
afterAll(() => cluster.close(), 30_000);
afterEach(() => cluster.heal());

async function keeps(scenario: Scenario): Promise<void> {
  const { failures } = await scenario.run(cluster, 'short');
  expect(failures).toEqual([]);
}

it('R-01: counts an acknowledged event once, whenever replicas are killed', () => keeps(r01), 60_000);
it('R-02: counts one id once, whoever sends it at the same time', () => keeps(r02), 60_000);
it('R-04: admits neither more nor less when Redis is emptied', () => keeps(r04), 60_000);
it('R-06: never exceeds a limit, and lets all of it be used', () => keeps(r06), 60_000);
it('R-08: loses nothing and no process when Postgres crashes', () => keeps(r08), 60_000);
it('R-10: processes every event of Stripe that it answered', () => keeps(r10), 60_000);
it('R-12: finds what Stripe told and nobody heard', () => keeps(r12), 60_000);
it('R-15: writes to Stripe once, and knows of it in the end', () => keeps(r15), 90_000);
it(
  'is right about duplicates and refusals when retry, original and rival meet at the limit',
  () => keeps(races),
  60_000,
);
