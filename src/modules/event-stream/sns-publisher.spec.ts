import { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns';
import type { EventEnvelope } from '../../contracts/events';
import type { Config } from '../../platform/config/env';
import { Lifecycle } from '../../platform/lifecycle';
import { batchesOf, SnsPublisher } from './sns-publisher';

function event(id: string, bytes = 0): EventEnvelope {
  return {
    id,
    type: 'tenant.created',
    tenant_id: 'tenant-1',
    sequence: 1,
    occurred_at: '2026-11-21T10:00:00.000Z',
    api_version: '2026-11-01',
    data: { filler: 'x'.repeat(bytes) },
    previous: null,
  };
}

function publisher(topicArn: string | null): SnsPublisher {
  const aws = {
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:1',
    snsTopicArn: topicArn,
    tenantQueueUrl: null,
  };
  return new SnsPublisher({ aws } as Config, new Lifecycle());
}

const sizes = (batches: EventEnvelope[][]): number[] => batches.map((batch) => batch.length);

describe('batches for SNS', () => {
  it('hold at most ten events', () => {
    const events = Array.from({ length: 23 }, (_, n) => event(String(n)));
    expect(sizes(batchesOf(events))).toEqual([10, 10, 3]);
    expect(batchesOf(events).flat()).toEqual(events);
    expect(batchesOf([])).toEqual([]);
  });

  it('hold at most 256 KiB, and one that is too large stands alone', () => {
    const events = [
      event('a', 100_000),
      event('b', 100_000),
      event('c', 100_000),
      event('d', 300_000),
      event('e'),
    ];
    expect(sizes(batchesOf(events))).toEqual([2, 1, 1, 1]);
  });
});

describe('publishing', () => {
  let sent: PublishBatchCommand[];
  let answers: (() => object)[];

  beforeEach(() => {
    sent = [];
    answers = [];
    jest.spyOn(SNSClient.prototype, 'send').mockImplementation(async (command: unknown) => {
      sent.push(command as PublishBatchCommand);
      const entries = (command as PublishBatchCommand).input.PublishBatchRequestEntries ?? [];
      return answers.shift()?.() ?? { Successful: entries.map(({ Id }) => ({ Id })) };
    });
  });
  afterEach(() => jest.restoreAllMocks());

  it('is off without a topic', () => {
    expect(publisher(null).isConfigured).toBe(false);
    expect(publisher('arn:aws:sns:us-east-1:1:events').isConfigured).toBe(true);
  });

  it('orders by tenant and deduplicates by event on a FIFO topic only', async () => {
    await publisher('arn:aws:sns:us-east-1:1:events').publish([event('e1')]);
    await publisher('arn:aws:sns:us-east-1:1:events.fifo').publish([event('e1')]);
    const [standard, fifo] = sent.map(({ input }) => input.PublishBatchRequestEntries![0]!);
    expect(standard).not.toHaveProperty('MessageGroupId');
    expect(fifo).toMatchObject({ MessageGroupId: 'tenant-1', MessageDeduplicationId: 'e1' });
  });

  it('names only what SNS accepted', async () => {
    answers = [() => ({ Successful: [{ Id: 'e1' }], Failed: [{ Id: 'e2', Code: 'InternalError' }] })];
    const accepted = await publisher('arn:aws:sns:us-east-1:1:events').publish([event('e1'), event('e2')]);
    expect([...accepted]).toEqual(['e1']);
  });

  it('keeps what was accepted before a later batch failed, and throws when nothing was', async () => {
    const fail = (): never => {
      throw new Error('away');
    };
    const large = [event('e1', 200_000), event('e2', 200_000)];
    answers = [() => ({ Successful: [{ Id: 'e1' }] }), fail];
    expect([...(await publisher('arn:aws:sns:us-east-1:1:events').publish(large))]).toEqual(['e1']);
    answers = [fail];
    await expect(publisher('arn:aws:sns:us-east-1:1:events').publish(large)).rejects.toThrow('away');
  });
});
