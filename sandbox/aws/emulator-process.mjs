/**
 * The SNS/SQS/S3 emulator in a process of its own: `fauxqs` is an ES module, which the CommonJS build of the
 * sandbox and Jest cannot load, and it would listen on every address of the machine.
 *
 *   node emulator-process.mjs <port> <region> <state file>
 *
 * Parent → { setup: FauxqsInitConfig }; this → { port } when it answers. It keeps everything in memory; the
 * messages waiting in queues are written to the state file every second and at the end, and put back at start.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { buildApp } from 'fauxqs';

const [wantedPort, region, stateFile] = process.argv.slice(2);
const inside = (path) => import(new URL(path, import.meta.resolve('fauxqs')));
const [{ SqsStore }, { SnsStore }, { S3Store }, { applyInitConfig }] = await Promise.all([
  inside('./sqs/sqsStore.js'),
  inside('./sns/snsStore.js'),
  inside('./s3/s3Store.js'),
  inside('./initConfig.js'),
]);

const stores = { sqsStore: new SqsStore(), snsStore: new SnsStore(), s3Store: new S3Store() };
// Queue URLs name this address: `sqs.<region>.localhost`, the emulator's habit, does not resolve everywhere.
stores.sqsStore.host = '';
const app = buildApp({ logger: false, defaultRegion: region, stores });
await app.listen({ port: Number(wantedPort), host: '127.0.0.1' });
const { port } = app.server.address();

let written = '';

/** Messages by queue: those a consumer holds right now were not confirmed, so they are waiting too. */
function waitingMessages() {
  const queues = stores.sqsStore.listQueues().map((queue) => {
    const { ready, delayed, inflight } = queue.inspectMessages();
    return [queue.name, [...ready, ...delayed, ...inflight.map((entry) => entry.message)]];
  });
  return Object.fromEntries(queues.filter(([, messages]) => messages.length > 0));
}

function save() {
  const state = JSON.stringify(waitingMessages());
  if (state === written) return;
  writeFileSync(`${stateFile}.new`, state, { mode: 0o600 });
  renameSync(`${stateFile}.new`, stateFile);
  written = state;
}

function restore() {
  let state;
  try {
    state = JSON.parse(readFileSync(stateFile, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  for (const [name, messages] of Object.entries(state)) {
    for (const message of messages) stores.sqsStore.getQueueByName(name)?.enqueue(message);
  }
}

process.on('message', ({ setup }) => {
  applyInitConfig(setup, stores.sqsStore, stores.snsStore, stores.s3Store, { port, region });
  restore();
  setInterval(save, 1000).unref();
  process.send({ port });
});

// The launcher ended, politely or not.
process.on('disconnect', async () => {
  save();
  await app.close();
  process.exit(0);
});
