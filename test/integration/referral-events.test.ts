import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { startAws, type RunningAws } from '../../sandbox/aws/server';
import { Metrics } from '../../src/platform/metrics';
import { whilePostgresIsAway } from '../support/database';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import { use } from '../support/usage-jobs';

let dir: string;
let aws: RunningAws;
let sqs: SQSClient;
let service: TestService;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-referral-queue-'));
  aws = await startAws({ dir });
  sqs = new SQSClient({
    endpoint: aws.url,
    region: aws.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  service = await startTestService({
    env: { AWS_ENDPOINT_URL: aws.url, SQS_REFERRAL_QUEUE_URL: aws.referralQueueUrl, TRIAL_PLAN_SLUG: '' },
  });
  await service.makePlan({ slug: 'free', amount: 0, limits: { referred_users: 5, leaderboard_entries: 10 } });
});

afterAll(async () => {
  await service.close();
  sqs.destroy();
  await aws.stop();
  rmSync(dir, { recursive: true, force: true });
});

type Referral = Record<string, unknown> & { event_id: string };

function referral(tenantId: string, fields: Record<string, unknown> = {}): Referral {
  return {
    event_id: randomUUID(),
    tenant_id: tenantId,
    type: 'referral.created',
    referrer: 'ann',
    occurred_at: new Date(Date.now() - 60_000).toISOString(),
    ...fields,
  };
}

function send(message: unknown): Promise<unknown> {
  const body = typeof message === 'string' ? message : JSON.stringify(message);
  return sqs.send(new SendMessageCommand({ QueueUrl: aws.referralQueueUrl, MessageBody: body }));
}

async function waiting(): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: aws.referralQueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return (
    Number(Attributes?.ApproximateNumberOfMessages) +
    Number(Attributes?.ApproximateNumberOfMessagesNotVisible)
  );
}

/** All messages are gone from the queue: handled, or set aside. */
function queueIsEmpty(timeoutMs?: number): Promise<boolean> {
  return service.until(async () => (await waiting()) === 0, timeoutMs);
}

async function setAside(): Promise<string[]> {
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: aws.referralDeadLetterUrl,
      MaxNumberOfMessages: 10,
      VisibilityTimeout: 0,
    }),
  );
  return (Messages ?? []).map((message) => message.Body!);
}

async function counted(tenant: TestTenant): Promise<{ used: string | null; rows: number }> {
  const [row] = await service.rows<{ used: string | null; rows: number }>(
    `select (select used from usage_counters where tenant_id = $1 and metric_name = 'referred_users') as used,
            (select count(*)::int from billing_events where tenant_id = $1) as rows`,
    [tenant.id],
  );
  return row!;
}

async function resultCount(result: string): Promise<number> {
  const { values } = await service.get(Metrics).referralEvents.get();
  return values.find(({ labels }) => labels.result === result)?.value ?? 0;
}

describe('referrals on the queue', () => {
  it('are counted through the same door as usage over HTTP', async () => {
    const tenant = await service.makeTenant();
    const sent = referral(tenant.id);
    await send(sent);
    await send({
      Type: 'Notification',
      MessageId: randomUUID(),
      Message: JSON.stringify(referral(tenant.id)),
    });
    await queueIsEmpty();
    expect(await counted(tenant)).toEqual({ used: '2', rows: 2 });
    const [row] = await service.rows<Record<string, unknown>>(
      'select metric_name, subject, increment, timestamp, metadata from billing_events where tenant_id = $1 and event_id = $2',
      [tenant.id, sent.event_id],
    );
    expect(row).toEqual({
      metric_name: 'referred_users',
      subject: 'ann',
      increment: '1',
      timestamp: new Date(sent.occurred_at as string),
      metadata: { source: 'referral_queue', type: 'referral.created' },
    });
    const board = await service.api('GET', '/v1/billings/leaderboards/referred_users', { key: tenant.key });
    // The referral may have happened a minute before this month.
    expect(board.body.total_subjects).toBeLessThanOrEqual(1);
  });

  it('count once, however often and from wherever they come', async () => {
    const tenant = await service.makeTenant();
    const sent = referral(tenant.id);
    await Promise.all(Array.from({ length: 15 }, () => send(sent)));
    await queueIsEmpty();
    expect(await counted(tenant)).toEqual({ used: '1', rows: 1 });
    const over = await service.api('POST', '/v1/billings/usage/events', {
      key: tenant.key,
      body: {
        event_id: sent.event_id,
        metric: 'referred_users',
        subject: sent.referrer,
        timestamp: sent.occurred_at,
      },
    });
    expect([over.status, over.body.status]).toEqual([200, 'duplicate']);
    await send({ ...sent, referrer: 'bob' });
    await queueIsEmpty();
    expect(await counted(tenant)).toEqual({ used: '1', rows: 1 });
    expect(await setAside()).toEqual([]);
  });

  it('past the limit are refused for good, and the queue goes on', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'referred_users', 5);
    const before = await resultCount('limit_exceeded');
    const sent = referral(tenant.id);
    await send(sent);
    await queueIsEmpty();
    expect(await counted(tenant)).toEqual({ used: '5', rows: 1 });
    expect(await resultCount('limit_exceeded')).toBe(before + 1);
    expect(await setAside()).toEqual([]);
    const refusals = await service.until(async () => {
      const rows = await service.rows<{ code: string }>(
        'select code from usage_refusals where tenant_id = $1 and event_id = $2',
        [tenant.id, sent.event_id],
      );
      return rows.length > 0 && rows;
    });
    expect(refusals).toEqual([{ code: 'limit_exceeded' }]);
  });

  it('of other kinds are taken and not counted', async () => {
    const tenant = await service.makeTenant();
    const before = [await resultCount('not_counted'), await resultCount('ignored')];
    await send(referral(tenant.id, { type: 'referral.converted' }));
    await send({ type: 'something.else' });
    await queueIsEmpty();
    expect([await resultCount('not_counted'), await resultCount('ignored')]).toEqual([
      before[0]! + 1,
      before[1]! + 1,
    ]);
    expect(await counted(tenant)).toEqual({ used: null, rows: 0 });
    expect(await setAside()).toEqual([]);
  });

  it('wait for the tenant they belong to, which may be announced a moment later', async () => {
    const id = randomUUID();
    await send(referral(id));
    await service.until(async () => (await resultCount('failed')) > 0);
    const tenant = await service.makeTenant({ id });
    await queueIsEmpty(15_000);
    expect(await counted(tenant)).toEqual({ used: '1', rows: 1 });
  });

  it('wait for Postgres', async () => {
    const tenant = await service.makeTenant();
    const failed = await resultCount('failed');
    await whilePostgresIsAway(service.database, async () => {
      await send(referral(tenant.id));
      await service.until(async () => (await resultCount('failed')) > failed);
    });
    // The first pause after a failure of ours is 15 seconds.
    await queueIsEmpty(25_000);
    expect(await counted(tenant)).toEqual({ used: '1', rows: 1 });
    expect(await setAside()).toEqual([]);
  }, 45_000);

  it('that can never be counted are set aside after five tries and hold nobody up', async () => {
    const tenant = await service.makeTenant();
    const poison = [
      'not json',
      JSON.stringify(referral(tenant.id, { type: 7 })),
      JSON.stringify(referral(tenant.id, { event_id: 'no spaces' })),
      JSON.stringify(referral(tenant.id, { referrer: '' })),
      JSON.stringify(referral(tenant.id, { occurred_at: 'yesterday' })),
      JSON.stringify(referral(tenant.id, { occurred_at: '2020-01-01T00:00:00Z' })),
      JSON.stringify(referral('not-a-tenant')),
      // Known to nobody, also after a while.
      JSON.stringify(referral(randomUUID())),
    ];
    for (const body of poison) await send(body);
    await send(referral(tenant.id));
    await service.until(async () => (await counted(tenant)).rows === 1);
    await queueIsEmpty(25_000);
    expect((await setAside()).sort()).toEqual([...poison].sort());
    expect(await counted(tenant)).toEqual({ used: '1', rows: 1 });
  }, 45_000);
});
