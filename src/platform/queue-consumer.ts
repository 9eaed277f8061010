import { Inject, Injectable } from '@nestjs/common';
import { Message, SQSClient } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import { awsClientOptions } from './aws-client';
import { CONFIG } from './config/config.module';
import type { Config } from './config/env';
import { Lifecycle } from './lifecycle';
import { Logger } from './logger';
import { MessageTooEarly, UnreadableMessage } from './queue-message';
import { RequestContext } from './request-context';

const BATCH = 10;
const WAIT_SECONDS = 20;
/** A shorter one would end every long poll with an error (F-89), none at all might never return (F-88). */
const REQUEST_TIMEOUT_MS = (WAIT_SECONDS + 5) * 1000;
/** A message is hidden this long, renewed while it is worked on; a killed process delays it by no more (F-90). */
const HIDDEN_SECONDS = 60;
const RENEW_SECONDS = 20;
const HANDLER_MS = 30_000;
/** First pause after a failure of ours; doubled by each further delivery. */
const RETRY_SECONDS = 15;

/** A queue, by the name that logs and audit rows know its consumer by, and what is done with the text of a message. */
export interface ConsumedQueue {
  readonly name: string;
  readonly url: string;
  handle(body: string): Promise<void>;
}

/**
 * Reads SQS queues in processes that do background work. A message is handled at least once and deleted when its
 * handler is done; one that fails is delivered again, later each time, until the queue's redrive sets it aside.
 */
@Injectable()
export class QueueConsumers {
  private readonly logger = new Logger('queue');
  /** Why messages failed, for the pause before their next delivery. */
  private readonly failures = new WeakMap<Message, unknown>();

  constructor(
    private readonly requestContext: RequestContext,
    private readonly lifecycle: Lifecycle,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Call it while the application is being set up; reading begins with the background work. */
  consume(queue: ConsumedQueue): void {
    this.lifecycle.inBackground(queue.name, () => this.start(queue));
  }

  private start(queue: ConsumedQueue): void {
    const sqs = new SQSClient({
      ...awsClientOptions(this.config),
      requestHandler: {
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
        connectionTimeout: 3000,
      },
    });
    const work = { inWork: 0, stopping: false };
    const consumer = Consumer.create({
      queueUrl: queue.url,
      sqs,
      batchSize: BATCH,
      waitTimeSeconds: WAIT_SECONDS,
      // Between polls, so that a refused connection does not make a busy loop.
      pollingWaitTimeMs: 50,
      visibilityTimeout: HIDDEN_SECONDS,
      heartbeatInterval: RENEW_SECONDS,
      handleMessageTimeout: HANDLER_MS,
      messageSystemAttributeNames: ['ApproximateReceiveCount'],
      terminateVisibilityTimeout: ([message]) => this.pauseAfterFailure(message!),
      handleMessage: async (message) => {
        work.inWork += 1;
        try {
          return await this.handle(queue, message);
        } finally {
          work.inWork -= 1;
        }
      },
    });
    const note =
      (event: string) =>
      (error: Error): void => {
        // An aborted poll is how an idle consumer stops.
        if (!work.stopping) this.noteFailure(queue.name, event, error);
      };
    consumer.on('error', note('queue.away'));
    consumer.on('timeout_error', note('queue.slow'));
    consumer.on('processing_error', note('queue.message_failed'));
    consumer.start();
    this.lifecycle.onShutdown('consumers', queue.name, async () => {
      work.stopping = true;
      await stop(consumer, work.inWork > 0);
      sqs.destroy();
    });
  }

  /** Answers the message when it is done with, which deletes it. */
  private async handle(queue: ConsumedQueue, message: Message): Promise<Message> {
    try {
      await this.requestContext.run(
        { requestId: `sqs-${message.MessageId}`, actor: { kind: 'system', id: queue.name } },
        () => queue.handle(message.Body ?? ''),
      );
      return message;
    } catch (error) {
      this.failures.set(message, error);
      throw error;
    }
  }

  /** Seconds until the queue delivers the message again: no time mends what cannot be read. */
  private pauseAfterFailure(message: Message): number {
    const failure = this.failures.get(message);
    if (failure instanceof UnreadableMessage) return 0;
    if (failure instanceof MessageTooEarly) return failure.seconds;
    const deliveries = Number(message.Attributes?.ApproximateReceiveCount ?? 1);
    return Math.min(RETRY_SECONDS * 2 ** (deliveries - 1), 900);
  }

  private noteFailure(queue: string, event: string, error: Error): void {
    const cause = error.cause instanceof Error ? error.cause : error;
    this.logger.warn(event, { queue, error: cause.name, message: cause.message.slice(0, 300) });
  }
}

/** Lets messages in work finish and be deleted; a poll that only waits is cut off. */
async function stop(consumer: Consumer, isWorking: boolean): Promise<void> {
  if (!isWorking) return consumer.stop({ abort: true });
  const finished = new Promise<void>((resolve) => consumer.once('response_processed', () => resolve()));
  consumer.stop();
  await finished;
}
