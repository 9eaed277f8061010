import { Inject, Injectable } from '@nestjs/common';
import { PublishBatchCommand, PublishBatchRequestEntry, SNSClient } from '@aws-sdk/client-sns';
import { EventEnvelope } from '../../contracts/events';
import { awsClientOptions } from '../../platform/aws-client';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { Lifecycle } from '../../platform/lifecycle';
import { Logger } from '../../platform/logger';
import { EventPublisher } from '../../platform/outbox/event-publisher';

/** SNS takes ten messages and 256 KiB a batch, attributes included. */
const MOST_ENTRIES = 10;
const MOST_BYTES = 256 * 1024;
/** For the attributes and ids of one message; ours are far smaller. */
const ENTRY_OVERHEAD_BYTES = 1024;

/** Tells the events to the SNS topic of the configuration. */
@Injectable()
export class SnsPublisher extends EventPublisher {
  private readonly logger = new Logger('event-stream');
  private readonly client: SNSClient | null;
  private readonly topicArn: string | null;

  constructor(@Inject(CONFIG) config: Config, lifecycle: Lifecycle) {
    super();
    this.topicArn = config.aws.snsTopicArn;
    this.client = this.topicArn ? clientFor(config) : null;
    lifecycle.onShutdown('queues', 'sns client', async () => this.client?.destroy());
  }

  get isConfigured(): boolean {
    return this.client !== null;
  }

  /** @throws Error when SNS does not answer and nothing was accepted */
  async publish(events: EventEnvelope[]): Promise<Set<string>> {
    const accepted = new Set<string>();
    for (const batch of batchesOf(events)) {
      try {
        for (const id of await this.publishBatch(batch)) accepted.add(id);
      } catch (error) {
        // What went before was accepted; saying nothing of it would tell it twice.
        if (accepted.size === 0) throw error;
        this.logger.warn('sns.batch_failed', { message: (error as Error).message });
        return accepted;
      }
    }
    return accepted;
  }

  private async publishBatch(events: EventEnvelope[]): Promise<string[]> {
    const answer = await this.client!.send(
      new PublishBatchCommand({
        TopicArn: this.topicArn!,
        PublishBatchRequestEntries: events.map((event) => this.toEntry(event)),
      }),
    );
    for (const failure of answer.Failed ?? [])
      this.logger.warn('sns.event_refused', { event_id: failure.Id, code: failure.Code });
    return (answer.Successful ?? []).flatMap((entry) => entry.Id ?? []);
  }

  private toEntry(event: EventEnvelope): PublishBatchRequestEntry {
    const text = (value: string) => ({ DataType: 'String', StringValue: value });
    return {
      Id: event.id,
      Message: JSON.stringify(event),
      MessageAttributes: { event_type: text(event.type), tenant_id: text(event.tenant_id) },
      // A FIFO topic keeps the order of a tenant, and takes an event once within five minutes.
      ...(this.topicArn!.endsWith('.fifo')
        ? { MessageGroupId: event.tenant_id, MessageDeduplicationId: event.id }
        : {}),
    };
  }
}

function clientFor(config: Config): SNSClient {
  return new SNSClient({
    ...awsClientOptions(config),
    // One attempt: the relay tries again itself, with its own backoff and its own record of it.
    maxAttempts: 1,
    // Within the relay's own budget of 5 s, so that no publish goes on after it was given up.
    requestHandler: { connectionTimeout: 2000, requestTimeout: 4500, throwOnRequestTimeout: true },
  });
}

/** As many events a batch as SNS takes; one that is too large alone fails alone. */
export function batchesOf(events: readonly EventEnvelope[]): EventEnvelope[][] {
  const batches: EventEnvelope[][] = [];
  let bytes = 0;
  for (const event of events) {
    const size = Buffer.byteLength(JSON.stringify(event)) + ENTRY_OVERHEAD_BYTES;
    const current = batches.at(-1);
    if (current && current.length < MOST_ENTRIES && bytes + size <= MOST_BYTES) {
      current.push(event);
      bytes += size;
    } else {
      batches.push([event]);
      bytes = size;
    }
  }
  return batches;
}
