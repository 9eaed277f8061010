import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClickHouseClient, ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { LocalServer } from '../../sandbox/local-server';
import { startClickhouseFront } from '../../sandbox/clickhouse/front';

// The engine is fetched once per installation (8 s from a near registry, 543 MB).
jest.setTimeout(180_000);

let dir: string;
let front: LocalServer;
let client: ClickHouseClient;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-clickhouse-'));
  front = await startClickhouseFront({ dir: join(dir, 'data') });
  client = createClient({ url: front.url, log: { level: ClickHouseLogLevel.OFF } });
});

afterAll(async () => {
  await client.close();
  await front.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function rows(query: string, query_params: Record<string, unknown> = {}): Promise<unknown[]> {
  const answer = await client.query({ query, query_params, format: 'JSONEachRow' });
  return answer.json();
}

describe('the ClickHouse of the sandbox, through @clickhouse/client', () => {
  it('answers a ping before any engine is there', async () => {
    expect(await client.ping()).toEqual({ success: true });
  });

  it('creates, inserts and selects, keeping the last version of a row', async () => {
    await client.command({
      query: 'CREATE TABLE events (id String, quantity UInt64) ENGINE = ReplacingMergeTree ORDER BY id',
    });
    const event = { id: `it's "one"; DROP TABLE events`, quantity: 3 };
    await client.insert({
      table: 'events',
      values: [event, { id: 'two', quantity: 4 }],
      format: 'JSONEachRow',
    });
    await client.insert({ table: 'events', values: [event], format: 'JSONEachRow' });
    expect(await rows('SELECT id, quantity FROM events FINAL ORDER BY id')).toEqual([
      { id: event.id, quantity: 3 },
      { id: 'two', quantity: 4 },
    ]);
  });

  it('binds parameters as values, never as SQL', async () => {
    const nasty = `x' OR 1=1 -- \\ \t \n ü`;
    expect(await rows('SELECT {text:String} AS text, {n:UInt8} + 1 AS n', { text: nasty, n: 41 })).toEqual([
      { text: nasty, n: 42 },
    ]);
  });

  it('keeps a setting to the query that asked for it', async () => {
    const asked = await client.query({
      query: `SELECT getSetting('max_block_size') AS size`,
      format: 'JSONEachRow',
      clickhouse_settings: { max_block_size: '17' },
    });
    expect(await asked.json()).toEqual([{ size: 17 }]);
    expect(await rows(`SELECT getSetting('max_block_size') = 17 AS same`)).toEqual([{ same: 0 }]);
  });

  it('works in the database the client names', async () => {
    await client.command({ query: 'CREATE DATABASE IF NOT EXISTS other' });
    const other = createClient({ url: front.url, database: 'other' });
    try {
      await other.command({ query: 'CREATE TABLE here (n UInt8) ENGINE = MergeTree ORDER BY n' });
      await other.insert({ table: 'here', values: [{ n: 1 }], format: 'JSONEachRow' });
      expect(await rows('SELECT n FROM other.here')).toEqual([{ n: 1 }]);
    } finally {
      await other.close();
    }
  });

  it('takes compressed requests', async () => {
    const gzip = createClient({ url: front.url, compression: { request: true, response: true } });
    try {
      await gzip.command({ query: 'CREATE TABLE packed (n UInt8) ENGINE = MergeTree ORDER BY n' });
      await gzip.insert({ table: 'packed', values: [{ n: 9 }], format: 'JSONEachRow' });
      const answer = await gzip.query({ query: 'SELECT n FROM packed', format: 'JSON' });
      expect((await answer.json()).data).toEqual([{ n: 9 }]);
    } finally {
      await gzip.close();
    }
  });

  it.each([
    ['SELEC 1', '62', 'SYNTAX_ERROR'],
    ['SELECT * FROM not_there', '60', 'UNKNOWN_TABLE'],
  ])('refuses %s as ClickHouse does', async (query, code, type) => {
    const error = await client.query({ query, format: 'JSONEachRow' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ClickHouseError);
    expect(error).toMatchObject({ code, type });
  });

  it('answers 40 queries at once, each with its own parameters', async () => {
    const numbers = Array.from({ length: 40 }, (_, n) => n);
    const answers = await Promise.all(numbers.map((n) => rows('SELECT {n:UInt32} AS n', { n })));
    expect(answers.flat()).toEqual(numbers.map((n) => ({ n })));
  });

  it('keeps its data over a restart', async () => {
    await client.command({ query: 'CREATE TABLE kept (n UInt8) ENGINE = MergeTree ORDER BY n' });
    await client.insert({ table: 'kept', values: [{ n: 5 }], format: 'JSONEachRow' });
    await client.close();
    await front.stop();
    front = await startClickhouseFront({ dir: join(dir, 'data') });
    client = createClient({ url: front.url, log: { level: ClickHouseLogLevel.OFF } });
    expect(await rows('SELECT n FROM kept')).toEqual([{ n: 5 }]);
  });
});
