import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startAws, type RunningAws } from '../../sandbox/aws/server';
import type { EventEnvelope } from '../../src/contracts/events';
import type { TenantId } from '../../src/contracts/ids';
import { Database } from '../../src/platform/database/database';
import { TenantContext } from '../../src/platform/database/tenant-context';
import { Outbox } from '../../src/platform/outbox/outbox';
import { startTestService, type TestService, type TestTenant } from '../support/service';

interface Received extends EventEnvelope {
  attributes: Record<string, string>;
}

let dir: string;
let aws: RunningAws;
let sqs: SQSClient;
let service: TestService;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-event-stream-'));
  aws = await startAws({ dir });
  sqs = new SQSClient({
    endpoint: aws.url,
    region: aws.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  service = await startTestService({ env: { AWS_ENDPOINT_URL: aws.url, SNS_TOPIC_ARN: aws.topicArn } });
});

afterAll(async () => {
  await service.close();
  sqs.destroy();
  await aws.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Everything a downstream service finds in its queue, until `enough` says so. */
async function receive(enough: (received: Received[]) => boolean): Promise<Received[]> {
  const received: Received[] = [];
  await service.until(async () => {
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: aws.eventsQueueUrl, MaxNumberOfMessages: 10 }),
    );
    for (const message of Messages ?? []) {
      const notification = JSON.parse(message.Body!) as {
        Message: string;
        MessageAttributes: Record<string, { Value: string }>;
      };
      const attributes = Object.fromEntries(
        Object.entries(notification.MessageAttributes).map(([name, { Value }]) => [name, Value]),
      );
      received.push({ ...(JSON.parse(notification.Message) as EventEnvelope), attributes });
      const { ReceiptHandle } = message;
      await sqs.send(new DeleteMessageCommand({ QueueUrl: aws.eventsQueueUrl, ReceiptHandle }));
    }
    return enough(received);
  }, 20_000);
  return received;
}

/** Facts of one tenant, each in a transaction of its own. */
function record(tenant: TestTenant, count: number): Promise<void[]> {
  const database = service.get(Database);
  const outbox = service.get(Outbox);
  return service.get(TenantContext).run(tenant.id as TenantId, () =>
    Promise.all(
      Array.from({ length: count }, (_, place) =>
        database.inNewTransaction(() =>
          outbox.record({
            type: 'tenant.updated',
            aggregateType: 'tenant',
            aggregateId: tenant.id,
            data: { place },
          }),
        ),
      ),
    ),
  );
}

async function catchUp(tenant: TestTenant, after = 0, limit = 100): Promise<EventEnvelope[]> {
  const path = `/v1/billings/events?after_sequence=${after}&limit=${limit}`;
  return (await service.api('GET', path, { key: tenant.key })).body.data;
}

describe('the stream to machines', () => {
  it('tells each fact with its attributes, in the envelope that catching up gives too', async () => {
    const tenant = await service.makeTenant();
    const mine = (events: Received[]): Received[] =>
      events.filter(({ tenant_id }) => tenant_id === tenant.id);
    const told = mine(await receive((events) => mine(events).length >= 3)).sort(
      (a, b) => a.sequence - b.sequence,
    );
    expect(told.map(({ type, sequence }) => [sequence, type])).toEqual([
      [1, 'tenant.created'],
      [2, 'trial.started'],
      [3, 'api_key.issued'],
    ]);
    expect(told.map(({ attributes }) => attributes)).toEqual(
      told.map(({ type }) => ({ event_type: type, tenant_id: tenant.id })),
    );
    const again = told.map(({ attributes: _, ...envelope }) => envelope);
    expect(await catchUp(tenant)).toEqual(again);
    expect(again[0]).toMatchObject({ api_version: '2026-11-01', previous: null, data: { id: tenant.id } });
  });

  it('numbers without gaps under concurrent writers, also over two relays, and tells each once', async () => {
    const tenants = [await service.makeTenant(), await service.makeTenant(), await service.makeTenant()];
    const replica = await service.replica();
    try {
      await Promise.all(tenants.map((tenant) => record(tenant, 60)));
      const ids = new Set(tenants.map(({ id }) => id));
      const ours = (events: Received[]): Received[] => events.filter(({ tenant_id }) => ids.has(tenant_id));
      const told = ours(await receive((events) => ours(events).length >= 3 * 63));
      for (const { id } of tenants) {
        const sequences = told.filter(({ tenant_id }) => tenant_id === id).map(({ sequence }) => sequence);
        expect(sequences.sort((a, b) => a - b)).toEqual(Array.from({ length: 63 }, (_, n) => n + 1));
      }
    } finally {
      await replica.stop();
    }
  });

  it('waits while the stream is away, and then tells all of it', async () => {
    const { port } = aws;
    const tenant = await service.makeTenant();
    await service.until(async () => {
      const [row] = await service.rows<{ pending: string }>(
        'select count(*) as pending from outbox where published_at is null',
      );
      return row!.pending === '0';
    });
    await aws.stop();
    await record(tenant, 5);
    await service.until(async () => {
      const [row] = await service.rows<{ tried: boolean }>(
        'select bool_or(attempts > 0) as tried from outbox where published_at is null',
      );
      return row!.tried;
    });
    // Meanwhile nothing is lost for those who ask.
    expect(await catchUp(tenant, 3)).toHaveLength(5);
    aws = await startAws({ dir, port });
    await service.rows('update outbox set next_attempt_at = now() where published_at is null');
    const mine = (events: Received[]): Received[] =>
      events.filter((event) => event.tenant_id === tenant.id && event.sequence > 3);
    const told = mine(await receive((events) => mine(events).length >= 5));
    expect(told.map(({ sequence }) => sequence).sort()).toEqual([4, 5, 6, 7, 8]);
  });
});

describe('catching up', () => {
  it('goes on after a sequence, page by page, in order', async () => {
    const tenant = await service.makeTenant();
    await record(tenant, 10);
    await service.until(async () => (await catchUp(tenant)).length === 13);
    expect((await catchUp(tenant, 11)).map(({ sequence }) => sequence)).toEqual([12, 13]);
    expect(await catchUp(tenant, 13)).toEqual([]);
    const sequences: number[] = [];
    let next = 'after_sequence=2';
    for (;;) {
      const { body } = await service.api('GET', `/v1/billings/events?limit=4&${next}`, { key: tenant.key });
      sequences.push(...body.data.map((event: EventEnvelope) => event.sequence));
      if (!body.has_more) break;
      next = `cursor=${body.next_cursor}`;
    }
    expect(sequences).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  });

  it('shows a tenant its own stream only, and no cursor of another', async () => {
    const [mine, other] = [await service.makeTenant(), await service.makeTenant()];
    await service.until(
      async () => (await catchUp(mine)).length === 3 && (await catchUp(other)).length === 3,
    );
    expect(new Set((await catchUp(mine)).map(({ tenant_id }) => tenant_id))).toEqual(new Set([mine.id]));
    const page = await service.api('GET', '/v1/billings/events?limit=1', { key: other.key });
    const stolen = await service.api('GET', `/v1/billings/events?cursor=${page.body.next_cursor}`, {
      key: mine.key,
    });
    expect(stolen.body).toMatchObject({ status: 400, code: 'invalid_cursor' });
  });

  it.each([
    'after_sequence=-1',
    'after_sequence=1.5',
    'after_sequence=1e3',
    'after_sequence=9007199254740993',
    'after_sequence=',
    `after_sequence=${randomUUID()}`,
    'after=1',
    'cursor=x',
  ])('refuses ?%s', async (query) => {
    const { key } = await service.makeTenant();
    const answer = await service.api('GET', `/v1/billings/events?${query}`, { key });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe(query.startsWith('cursor') ? 'invalid_cursor' : 'validation_failed');
  });
});
