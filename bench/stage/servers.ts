/** Postgres, Redis and the Stripe sandbox of one run, as `npm start` has them, in a folder that goes afterwards. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { leaveFolder, recordProcess, takeFolder, USUAL_FOLDER } from '../../sandbox/folder';
import { type RunningPostgres, startPostgres } from '../../sandbox/postgres/server';
import { type RunningRedis, startRedis } from '../../sandbox/redis/server';
import { type SandboxSecrets, sandboxSecrets } from '../../sandbox/secrets';
import { startStripeSandbox, type StripeSandbox } from '../../sandbox/stripe/server';
import type { Child, Run } from './child';

export interface Servers extends Run {
  readonly secrets: SandboxSecrets;
  readonly postgres: RunningPostgres;
  readonly redis: RunningRedis;
  readonly stripe: StripeSandbox;
  /** Writes what is still in memory, so that no round pays for the one before it. */
  checkpoint(): Promise<void>;
  /** Ends them and all children, and deletes the folder with all data. */
  stop(): Promise<void>;
}

/**
 * Starts all three. What a killed run left behind is ended first.
 * @throws AlreadyRunning when another run is under way: two would measure each other
 */
export async function startServers(): Promise<Servers> {
  const folder = join(USUAL_FOLDER, 'bench');
  await takeFolder(folder, true);
  const children = new Set<Child>();
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all([...children].map((child) => child.stop()));
    await Promise.all(stops.map((end) => end()));
    leaveFolder(folder);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const secrets = sandboxSecrets(folder);
    const postgres = await startPostgres({ dir: join(folder, 'postgres') });
    stops.push(() => postgres.stop());
    recordProcess(folder, 'postgres', postgres.pid);
    const redis = await startRedis({ dir: join(folder, 'redis') });
    stops.push(() => redis.stop());
    recordProcess(folder, 'redis', redis.pid);
    const stripe = await startStripeSandbox({ secretKey: secrets.stripeSecretKey });
    stops.push(() => stripe.close());
    const checkpoint = () => checkpointOf(postgres);
    return { folder, children, secrets, postgres, redis, stripe, checkpoint, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function checkpointOf(postgres: RunningPostgres): Promise<void> {
  const client = new Client({ connectionString: postgres.superuserUrl });
  await client.connect();
  try {
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}
