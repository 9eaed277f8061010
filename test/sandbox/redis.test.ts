import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Redis from 'ioredis';
import { processMark } from '../../sandbox/processes';
import { startRedis } from '../../sandbox/redis/server';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tb-redis-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function ask<Answer>(url: string, work: (redis: Redis) => Promise<Answer>): Promise<Answer> {
  const redis = new Redis(url);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

describe('the Redis of the sandbox', () => {
  it('never evicts, and keeps what it was told over a stop', async () => {
    const first = await startRedis({ dir });
    await ask(first.url, (redis) => redis.set('kept', 'yes'));
    expect(await ask(first.url, (redis) => redis.config('GET', 'maxmemory-policy'))).toEqual([
      'maxmemory-policy',
      'noeviction',
    ]);
    await first.stop();
    expect(processMark(first.pid)).toBeNull();
    const second = await startRedis({ dir });
    try {
      expect(await ask(second.url, (redis) => redis.get('kept'))).toBe('yes');
    } finally {
      await second.stop();
    }
  });

  it('takes over from a server whose launcher was killed', async () => {
    const first = await startRedis({ dir });
    await ask(first.url, (redis) => redis.set('kept', 'yes'));
    const second = await startRedis({ dir });
    try {
      expect(processMark(first.pid)).toBeNull();
      expect(await ask(second.url, (redis) => redis.get('kept'))).toBe('yes');
    } finally {
      await second.stop();
    }
  });

  it('does not mistake a stranger on its port for itself', async () => {
    const stranger = await startRedis({ dir: join(dir, 'stranger') });
    try {
      await expect(startRedis({ dir: join(dir, 'ours'), port: stranger.port })).rejects.toThrow(
        /did not start/,
      );
    } finally {
      await stranger.stop();
    }
  });
});
