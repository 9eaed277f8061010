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
import { startTestService, type TestService } from '../support/service';

let dir: string;
let aws: RunningAws;
let sqs: SQSClient;
let service: TestService;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-tenant-queue-'));
  aws = await startAws({ dir });
  sqs = new SQSClient({
    endpoint: aws.url,
    region: aws.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  service = await startTestService({
    env: { AWS_ENDPOINT_URL: aws.url, SQS_TENANT_QUEUE_URL: aws.tenantQueueUrl, TRIAL_DAYS: '0' },
  });
});

afterAll(async () => {
  await service.close();
  sqs.destroy();
  await aws.stop();
  rmSync(dir, { recursive: true, force: true });
});

function tenant(fields: Record<string, unknown> = {}): Record<string, unknown> & { id: string } {
  return { id: randomUUID(), name: 'From the queue', email: 'queue@example.test', ...fields };
}

function send(message: unknown): Promise<unknown> {
  const body = typeof message === 'string' ? message : JSON.stringify(message);
  return sqs.send(new SendMessageCommand({ QueueUrl: aws.tenantQueueUrl, MessageBody: body }));
}

async function waiting(): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: aws.tenantQueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return (
    Number(Attributes?.ApproximateNumberOfMessages) +
    Number(Attributes?.ApproximateNumberOfMessagesNotVisible)
  );
}

/** The message is gone from the queue: handled, or set aside. */
function queueIsEmpty(): Promise<boolean> {
  return service.until(async () => (await waiting()) === 0);
}

async function setAside(): Promise<string[]> {
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: aws.tenantDeadLetterUrl,
      MaxNumberOfMessages: 10,
      VisibilityTimeout: 0,
    }),
  );
  return (Messages ?? []).map((message) => message.Body!);
}

function tenantRows(id: string): Promise<unknown[]> {
  return service.rows('select name, email, locale, trial_started_at from tenants where id = $1', [id]);
}

describe('tenants announced on the queue', () => {
  it.each<[string, (announced: Record<string, unknown>) => unknown]>([
    ['bare', (announced) => ({ type: 'tenant.created', tenant: announced })],
    ['in an envelope', (announced) => ({ type: 'tenant.created', data: announced })],
    [
      'inside the data of an envelope',
      (announced) => ({ type: 'tenant.created', data: { tenant: announced } }),
    ],
    [
      'through SNS',
      (announced) => ({
        Type: 'Notification',
        MessageId: randomUUID(),
        Message: JSON.stringify({ type: 'tenant.created', tenant: announced }),
      }),
    ],
  ])('arrive %s', async (_how, wrap) => {
    const announced = tenant({ locale: 'pt-br', colour: 'not ours to keep' });
    await send(wrap(announced));
    await queueIsEmpty();
    expect(await tenantRows(announced.id)).toEqual([
      { name: announced.name, email: announced.email, locale: 'pt-BR', trial_started_at: null },
    ]);
  });

  it('begin without a trial where trials last 0 days, and tell no trial', async () => {
    const announced = tenant();
    await send({ type: 'tenant.created', tenant: announced });
    await queueIsEmpty();
    const types = await service.rows('select type from outbox where tenant_id = $1', [announced.id]);
    const audit = await service.rows(
      'select action, actor_kind, actor_id from audit_logs where tenant_id = $1',
      [announced.id],
    );
    expect(types).toEqual([{ type: 'tenant.created' }]);
    expect(audit).toEqual([{ action: 'TENANT_CREATED', actor_kind: 'system', actor_id: 'tenant-queue' }]);
  });

  it('are created once, however often and from wherever they arrive', async () => {
    const announced = tenant();
    await Promise.all([
      ...Array.from({ length: 12 }, () => send({ type: 'tenant.created', tenant: announced })),
      service.admin('POST', '/v1/admin/tenants', announced),
    ]);
    await send({ type: 'tenant.created', tenant: { ...announced, name: 'Another name' } });
    await queueIsEmpty();
    expect(await tenantRows(announced.id)).toMatchObject([{ name: announced.name }]);
    expect(await service.rows('select from outbox where tenant_id = $1', [announced.id])).toHaveLength(1);
    expect(await setAside()).toEqual([]);
  });

  it('of other kinds are none of our business', async () => {
    await send({ type: 'tenant.renamed', tenant: tenant() });
    await queueIsEmpty();
    expect(await setAside()).toEqual([]);
  });

  it('that cannot be read are set aside and hold nobody up', async () => {
    const before = await service.rows('select count(*) from tenants');
    const poison = [
      'not json',
      '[]',
      '{"type":"tenant.created"}',
      '{"type":"tenant.created","type":"tenant.created"}',
      JSON.stringify({ type: 'tenant.created', tenant: { name: 'no id', email: 'a@example.test' } }),
      JSON.stringify({ type: 'tenant.created', tenant: tenant({ email: 'nobody' }) }),
      JSON.stringify({ type: 'tenant.created', tenant: tenant({ name: 'a\u0000b' }) }),
    ];
    for (const body of poison) await send(body);
    await queueIsEmpty();
    expect((await setAside()).sort()).toEqual([...poison].sort());
    expect(await service.rows('select count(*) from tenants')).toEqual(before);
    const announced = tenant();
    await send({ type: 'tenant.created', tenant: announced });
    await queueIsEmpty();
    expect(await tenantRows(announced.id)).toHaveLength(1);
  });

  it('do not keep a stopping process waiting, and wait for the next one', async () => {
    const replica = await service.replica();
    const started = performance.now();
    expect(await replica.stop()).toBe(0);
    // A long poll lasts 20 s; a stop that waited for it would too.
    expect(performance.now() - started).toBeLessThan(8000);
    const announced = tenant();
    await send({ type: 'tenant.created', tenant: announced });
    await queueIsEmpty();
    expect(await tenantRows(announced.id)).toHaveLength(1);
  });
});
