import Redis from 'ioredis';
import type { Client } from 'pg';
import type { Violation } from './check';

interface Counter {
  tenant_id: string;
  metric_name: string;
  start_ms: string;
  used: string;
  reserved: string;
  version: string;
}

const HOLDS = 'a number in Redis that readers look at is that of Postgres';

/**
 * Compares all cached counters of the current generation with Postgres (I4). A counter that Redis does not have is
 * fine: its readers ask Postgres. Call it when nothing is being recorded, since Redis is written after the commit.
 */
export async function checkCache(
  client: Client,
  redisUrl: string,
  tenants: string[] | null,
): Promise<Violation[]> {
  const { rows } = await client.query<Counter>(
    `select tenant_id, metric_name, (extract(epoch from period_start) * 1000)::bigint as start_ms, used, reserved, version
       from usage_counters where $1::uuid[] is null or tenant_id = any($1)`,
    [tenants],
  );
  const generations = await client.query<{ generation: string }>(
    'select generation from usage_cache_generation',
  );
  const generation = generations.rows[0]!.generation;
  const where: Record<string, unknown>[] = [];
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: 3 });
  redis.on('error', () => undefined);
  try {
    for (let at = 0; at < rows.length; at += 1000) {
      const some = rows.slice(at, at + 1000);
      const keys = some.map(
        (row) => `usage:{${row.tenant_id}}:${generation}:${row.metric_name}:${row.start_ms}`,
      );
      const cached = await redis.mget(keys);
      some.forEach((row, index) => {
        const text = cached[index];
        if (text && text !== `${row.version} ${row.used} ${row.reserved}`)
          where.push({ ...row, cached: text });
      });
    }
  } finally {
    redis.disconnect();
  }
  return where.length === 0
    ? []
    : [{ id: 'I4', holds: HOLDS, where: where.slice(0, 5), count: where.length }];
}
