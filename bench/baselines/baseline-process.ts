/** Starts a program of this folder in a process of its own. */
import { join } from 'node:path';
import Redis from 'ioredis';
import { freePort } from '../../sandbox/ports';
import { METRIC } from '../load/events';
import { type Child, startChild } from '../stage/child';
import type { Servers } from '../stage/servers';
import { FAR_AWAY, FEATURE } from '../stage/tenants';

/** Redis' last database: stages begin at the first. */
const REDIS_DATABASE = 15;

export interface BaselineProcess extends Child {
  readonly port: number;
}

/** @param program name of the file, without its ending */
export async function startBaseline(
  servers: Servers,
  program: 'answering' | 'bare-nest' | 'bare-inbox',
  environment: NodeJS.ProcessEnv = {},
): Promise<BaselineProcess> {
  const port = await freePort();
  const child = await startChild(servers, {
    name: program,
    args: [join(__dirname, `${program}.js`)],
    environment: {
      PATH: process.env.PATH,
      PORT: String(port),
      REDIS_URL: `${servers.redis.url}/${REDIS_DATABASE}`,
      ...environment,
    },
    readyUrl: `http://127.0.0.1:${port}/readyz`,
  });
  return { ...child, port };
}

/** Gives the bare service numbers to find, one counter and one feature for each tenant. */
export async function fillBaselineRedis(servers: Servers, tenants: readonly string[]): Promise<void> {
  const redis = new Redis(`${servers.redis.url}/${REDIS_DATABASE}`);
  await redis.flushdb();
  const writes = redis.pipeline();
  for (const tenant of tenants) {
    writes.hset(`usage:${tenant}:${METRIC}`, { used: 0, limit: FAR_AWAY });
    writes.set(`used:${tenant}:${METRIC}`, 0);
    writes.set(`feature:${tenant}:${FEATURE}`, 1);
  }
  await writes.exec();
  redis.disconnect();
}
