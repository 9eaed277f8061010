import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CASES } from './boundaries/cases';
import type { ZoneRun } from './boundaries/run-in-zone';

/** where a period ends does not depend on where the service runs. */
const OFFSETS = { UTC: 0, 'Asia/Kolkata': -330, 'America/Los_Angeles': 480 };
const ZONES = Object.keys(OFFSETS) as (keyof typeof OFFSETS)[];
/** Redis databases that no worker of Jest uses. */
const FIRST_REDIS = 13;

const runs = new Map<string, ZoneRun>();

beforeAll(async () => {
  await Promise.all(ZONES.map(async (zone, at) => runs.set(zone, await runIn(zone, FIRST_REDIS + at))));
}, 120_000);

describe.each(ZONES)('in %s', (zone) => {
  it('runs where it says', () => {
    expect(runs.get(zone)!.offset).toBe(OFFSETS[zone]);
  });

  it.each(CASES.map((one, at) => ({ ...one, at })))('$name', ({ at, wanted, late }) => {
    const isRefused = !wanted.endsWith('Z');
    expect(runs.get(zone)!.answers[at]).toMatchObject({
      told: wanted,
      late: isRefused ? null : (late ?? false),
    });
  });
});

it('leaves the same rows in the ledger and in the archive, whatever the zone', () => {
  const [first, ...others] = ZONES.map((zone) => runs.get(zone)!);
  expect(first!.ledger.length).toBe(CASES.filter(({ wanted }) => wanted.endsWith('Z')).length);
  expect(first!.archive.length).toBeGreaterThan(first!.ledger.length);
  for (const { ledger, archive } of others) {
    expect(ledger).toEqual(first!.ledger);
    expect(archive).toEqual(first!.archive);
  }
});

async function runIn(zone: string, redis: number): Promise<ZoneRun> {
  const args = [
    '--require',
    join(__dirname, 'typescript.cjs'),
    join(__dirname, 'boundaries', 'run-in-zone.ts'),
  ];
  const env = { ...process.env, TZ: zone, JEST_WORKER_ID: String(redis) };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 1 << 24 });
  return JSON.parse(stdout) as ZoneRun;
}
