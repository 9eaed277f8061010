/** SNS, SQS and S3 on this machine, with the topic and the queues the service talks to. */
import { fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { stopChild } from '../processes';
import { repositoryRoot } from '../repository-root';

const REGION = 'us-east-1';
/** The emulator's own account (fauxqs, common/types). */
const ACCOUNT = '000000000000';
/** A message that failed this often is poison and leaves for the dead-letter queue (reliability R-30). */
const MAX_RECEIVES = '5';
const START_MS = 15_000;

export interface AwsOptions {
  /** Folder in which waiting messages are kept. */
  readonly dir: string;
  /** Port on 127.0.0.1; any free one when left out. */
  readonly port?: number;
}

export interface RunningAws {
  /** For AWS_ENDPOINT_URL; any credentials are accepted. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly region: string;
  readonly topicArn: string;
  /** Subscribed to the topic: what a downstream service reads. */
  readonly eventsQueueUrl: string;
  readonly referralQueueUrl: string;
  readonly referralDeadLetterUrl: string;
  readonly tenantQueueUrl: string;
  readonly tenantDeadLetterUrl: string;
  stop(): Promise<void>;
}

/**
 * Starts the emulator with the topic `tenant-billing-events` and the queues `tenant-billing-events`,
 * `tenant-billing-referral` and `tenant-billing-tenants`, the last two with a dead-letter queue each.
 * @throws when it does not answer within 15 s
 */
export async function startAws(options: AwsOptions): Promise<RunningAws> {
  mkdirSync(options.dir, { recursive: true });
  const child = fork(
    join(repositoryRoot, 'sandbox', 'aws', 'emulator-process.mjs'),
    [String(options.port ?? 0), REGION, join(options.dir, 'messages.json')],
    // Its own group, so that Ctrl-C reaches it through us, after the service has finished.
    { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], detached: true, execArgv: [] },
  );
  let complaint = '';
  child.stderr?.on('data', (chunk) => (complaint += String(chunk)));
  const port = await new Promise<number>((resolve, reject) => {
    const fail = (reason: string) => {
      clearTimeout(giveUp);
      child.kill('SIGKILL');
      reject(new Error(`The SNS/SQS emulator did not start: ${reason}${complaint.trim()}`));
    };
    const giveUp = setTimeout(() => fail('no answer. '), START_MS);
    child.once('exit', () => fail(''));
    child.once('error', (error) => fail(`${error.message} `));
    child.once('message', (message) => {
      clearTimeout(giveUp);
      child.removeAllListeners('exit');
      resolve((message as { port: number }).port);
    });
    child.send({ setup: SETUP });
  });
  const queueUrl = (name: string) => `http://127.0.0.1:${port}/${ACCOUNT}/${name}`;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid as number,
    region: REGION,
    topicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:tenant-billing-events`,
    eventsQueueUrl: queueUrl('tenant-billing-events'),
    referralQueueUrl: queueUrl('tenant-billing-referral'),
    referralDeadLetterUrl: queueUrl('tenant-billing-referral-dlq'),
    tenantQueueUrl: queueUrl('tenant-billing-tenants'),
    tenantDeadLetterUrl: queueUrl('tenant-billing-tenants-dlq'),
    stop: async () => {
      const ended = new Promise<void>((done) => child.once('exit', () => done()));
      if (child.exitCode !== null || child.signalCode !== null || !child.connected) return;
      // Told by hanging up, so that it ends the same way when this process is killed.
      child.disconnect();
      const force = setTimeout(() => void stopChild(child, 'SIGKILL', 1000), 5000);
      await ended;
      clearTimeout(force);
    },
  };
}

function withDeadLetters(name: string): { name: string; attributes?: Record<string, string> }[] {
  const deadLetterTargetArn = `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}-dlq`;
  return [
    { name: `${name}-dlq` },
    {
      name,
      attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: MAX_RECEIVES }) },
    },
  ];
}

const SETUP = {
  region: REGION,
  topics: [{ name: 'tenant-billing-events' }],
  queues: [
    { name: 'tenant-billing-events' },
    ...withDeadLetters('tenant-billing-referral'),
    ...withDeadLetters('tenant-billing-tenants'),
  ],
  subscriptions: [{ topic: 'tenant-billing-events', queue: 'tenant-billing-events' }],
};
