import { Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { Message, SQSClient } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import { awsClientOptions } from '../../platform/aws-client';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { Lifecycle } from '../../platform/lifecycle';
import { Logger } from '../../platform/logger';
import { RequestContext } from '../../platform/request-context';
import { readTenantMessage, UnreadableMessage } from './tenant-message';
import { TenantsService } from './tenants.service';

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

/**
 * Tenants that other systems announce on SQS. Each message is handled at least once and makes one tenant, since
 * creation is idempotent on the id; what cannot be read is left to the queue's redrive, which sets it aside.
 */
@Injectable()
export class TenantEventsConsumer implements OnApplicationBootstrap {
  private readonly logger = new Logger('tenants');
  private readonly unreadable = new WeakSet<Message>();
  private inWork = 0;
  private stopping = false;

  constructor(
    private readonly tenants: TenantsService,
    private readonly requestContext: RequestContext,
    private readonly lifecycle: Lifecycle,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    const queueUrl = this.config.aws.tenantQueueUrl;
    if (queueUrl) this.lifecycle.inBackground('tenant queue', () => this.start(queueUrl));
  }

  private start(queueUrl: string): void {
    const sqs = new SQSClient({
      ...awsClientOptions(this.config),
      requestHandler: {
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
        connectionTimeout: 3000,
      },
    });
    const consumer = Consumer.create({
      queueUrl,
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
      handleMessage: (message) => this.handle(message),
    });
    consumer.on('error', (error) => this.noteFailure('tenant_queue.away', error));
    consumer.on('timeout_error', (error) => this.noteFailure('tenant_queue.slow', error));
    consumer.on('processing_error', (error) => this.noteFailure('tenant_queue.message_failed', error));
    consumer.start();
    this.lifecycle.onShutdown('consumers', 'tenant queue', () => this.stop(consumer, sqs));
  }

  /** Answers the message when it is done with, which deletes it. */
  private async handle(message: Message): Promise<Message> {
    this.inWork += 1;
    try {
      await this.requestContext.run(
        { requestId: `sqs-${message.MessageId}`, actor: { kind: 'system', id: 'tenant-queue' } },
        () => this.create(message),
      );
      return message;
    } finally {
      this.inWork -= 1;
    }
  }

  private async create(message: Message): Promise<void> {
    try {
      const read = readTenantMessage(message.Body ?? '');
      if (read.type === 'other') return this.logger.info('tenant_queue.ignored');
      const { tenant, isNew } = await this.tenants.create(read.tenant);
      this.logger.info('tenant_queue.handled', { tenant_id: tenant.id, created: isNew });
    } catch (error) {
      if (error instanceof UnreadableMessage) this.unreadable.add(message);
      throw error;
    }
  }

  /** Seconds until the queue delivers the message again: no time mends what cannot be read. */
  private pauseAfterFailure(message: Message): number {
    if (this.unreadable.has(message)) return 0;
    const deliveries = Number(message.Attributes?.ApproximateReceiveCount ?? 1);
    return Math.min(RETRY_SECONDS * 2 ** (deliveries - 1), 900);
  }

  private noteFailure(event: string, error: Error): void {
    // An aborted poll is how an idle consumer stops.
    if (this.stopping) return;
    const cause = error.cause instanceof Error ? error.cause : error;
    this.logger.warn(event, { error: cause.name, message: cause.message.slice(0, 300) });
  }

  /** Lets messages in work finish and be deleted; a poll that only waits is cut off. */
  private async stop(consumer: Consumer, sqs: SQSClient): Promise<void> {
    this.stopping = true;
    if (this.inWork > 0) {
      const finished = new Promise<void>((resolve) => consumer.once('response_processed', () => resolve()));
      consumer.stop();
      await finished;
    } else consumer.stop({ abort: true });
    sqs.destroy();
  }
}
