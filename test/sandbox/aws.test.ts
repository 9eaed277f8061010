import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type RunningAws, startAws } from '../../sandbox/aws/server';
import { processMark } from '../../sandbox/processes';

const credentials = { accessKeyId: 'sandbox', secretAccessKey: 'sandbox' };
let dir: string;
let aws: RunningAws;
let sqs: SQSClient;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-aws-'));
  aws = await startAws({ dir });
  sqs = new SQSClient({ endpoint: aws.url, region: aws.region, credentials });
});

afterEach(async () => {
  sqs.destroy();
  await aws.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function receive(QueueUrl: string): Promise<Message[]> {
  const answer = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  return answer.Messages ?? [];
}

function send(QueueUrl: string, MessageBody: string): Promise<unknown> {
  return sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
}

describe('the SNS and SQS of the sandbox, through the AWS SDK', () => {
  it('brings what is published to the topic into the events queue, with its attributes', async () => {
    const sns = new SNSClient({ endpoint: aws.url, region: aws.region, credentials });
    await sns.send(
      new PublishCommand({
        TopicArn: aws.topicArn,
        Message: '{"id":"1"}',
        MessageAttributes: { event_type: { DataType: 'String', StringValue: 'tenant.suspended' } },
      }),
    );
    sns.destroy();
    const [message] = await receive(aws.eventsQueueUrl);
    const envelope = JSON.parse(message?.Body ?? '{}') as Record<string, unknown>;
    expect(envelope).toMatchObject({
      Message: '{"id":"1"}',
      MessageAttributes: { event_type: { Value: 'tenant.suspended' } },
    });
  });

  it.each(['referral', 'tenant'] as const)(
    'moves poison of the %s queue aside after five tries',
    async (name) => {
      const queue = name === 'referral' ? aws.referralQueueUrl : aws.tenantQueueUrl;
      const deadLetters = name === 'referral' ? aws.referralDeadLetterUrl : aws.tenantDeadLetterUrl;
      await send(queue, 'poison');
      for (let attempt = 1; attempt <= 5; attempt += 1) {
        const [message] = await receive(queue);
        expect(message?.Body).toBe('poison');
        await sqs.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: queue,
            ReceiptHandle: message?.ReceiptHandle,
            VisibilityTimeout: 0,
          }),
        );
      }
      expect(await receive(queue)).toEqual([]);
      expect((await receive(deadLetters)).map((message) => message.Body)).toEqual(['poison']);
    },
  );

  it('keeps unconfirmed messages over a restart, and only those', async () => {
    await send(aws.tenantQueueUrl, 'confirmed');
    const [first] = await receive(aws.tenantQueueUrl);
    await sqs.send(
      new DeleteMessageCommand({ QueueUrl: aws.tenantQueueUrl, ReceiptHandle: first?.ReceiptHandle }),
    );
    await send(aws.tenantQueueUrl, 'held by a consumer');
    await receive(aws.tenantQueueUrl);
    await send(aws.tenantQueueUrl, 'waiting');
    const { pid, port } = aws;
    await aws.stop();
    expect(processMark(pid)).toBeNull();
    aws = await startAws({ dir, port });
    const bodies = (await receive(aws.tenantQueueUrl)).map((message) => message.Body);
    expect(bodies.sort()).toEqual(['held by a consumer', 'waiting']);
  });

  it('says so when its port is taken', async () => {
    await expect(startAws({ dir: join(dir, 'second'), port: aws.port })).rejects.toThrow(/EADDRINUSE/);
  });
});
