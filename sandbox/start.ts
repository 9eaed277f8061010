/** `npm start`: the whole of Tenant Billing on this machine, from nothing to a pricing page. */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { announcement, readyContent, type Situation } from './announcement';
import { serviceEnvironment } from './environment';
import { AlreadyRunning, leaveFolder, readyFile, recordProcess, sandboxFolder, takeFolder } from './folder';
import { writeJson } from './json-file';
import { startParts, type Stoppable } from './parts';
import { planPorts } from './port-plan';
import { sandboxSecrets } from './secrets';
import { seed } from './seed';
import { startService } from './service';

const DEFAULT_PORT = 3000;
/** How long a part that is still starting may keep us from stopping. */
const LATE_MS = 15_000;

/** The person, or the system, asked us to stop. */
class Interrupted extends Error {}

const begun = performance.now();
const folder = sandboxFolder(process.env);
/** In the order they were started; stopped in the opposite one, so that the service goes first. */
const running: Stoppable[] = [];
let stopping = false;

/** Rejects when there is a reason to stop: a signal, or a server that ended by itself. */
let giveUp: (reason: Error) => void;
const reasonToStop = new Promise<never>((_, reject) => (giveUp = reject));
reasonToStop.catch(() => undefined);

async function start(): Promise<void> {
  const secrets = sandboxSecrets(folder);
  const ports = await planPorts(folder, wishedPort());
  for (const move of ports.moves) say(move);

  const parts = await startParts({
    folder,
    ports,
    secrets,
    environment: process.env,
    onStarted: (part) => running.push(part),
    onLost: (name) => lost(`${name} ended unexpectedly; its log is in ${folder}.`),
  });
  if (stopping) return;
  const environment = serviceEnvironment(parts, secrets, ports.service, process.env);
  const service = startService(environment);
  running.push({ name: 'service', stop: () => service.stop() });
  recordProcess(folder, 'service', service.pid);
  void service.ended.then((how) => lost(`The service ${how}.`));
  await service.ready();

  const seeded = await seed(service.url, String(environment.ADMIN_API_KEY), folder);
  if (stopping) return;
  const situation: Situation = {
    folder,
    port: ports.service,
    parts,
    secrets,
    seeded,
    servicePid: service.pid,
    environment,
  };
  writeJson(readyFile(folder), readyContent(situation));
  process.stdout.write(announcement(situation, (performance.now() - begun) / 1000));
}

async function stop(): Promise<void> {
  stopping = true;
  rmSync(readyFile(folder), { force: true });
  // The service first and alone: it finishes with the parts still there.
  const service = running.find(({ name }) => name === 'service');
  await service?.stop();
  await Promise.all(running.filter((part) => part !== service).map((part) => part.stop()));
  leaveFolder(folder);
}

async function main(): Promise<void> {
  try {
    await takeFolder(folder, process.argv.includes('--fresh'));
  } catch (error) {
    if (!(error instanceof AlreadyRunning)) throw error;
    say(error.message);
    process.exitCode = 1;
    return;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // npm and the terminal both pass a Ctrl-C on, so it may come twice: the second one changes nothing.
    process.on(signal, () => giveUp(new Interrupted(signal)));
  }
  process.on('uncaughtException', (error) => giveUp(error));
  // The terminal may be gone, or `npm start | head` has seen enough: no reason to leave servers behind.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const starting = start();
  let exitCode = 0;
  try {
    await Promise.race([starting, reasonToStop]);
    await reasonToStop;
  } catch (error) {
    stopping = true;
    if (error instanceof Interrupted) say('\nStopping …');
    else {
      say(error instanceof Error ? error.message : String(error));
      exitCode = 1;
    }
  }
  // Parts that were on their way when the reason came have to arrive before they can be stopped.
  const service = running.find(({ name }) => name === 'service');
  if (!service) await Promise.race([starting.catch(() => undefined), sleep(LATE_MS)]);
  await stop();
  process.exit(exitCode);
}

function lost(words: string): void {
  if (!stopping) giveUp(new Error(words));
}

/** PORT, or 3000; 0 takes any free one. */
function wishedPort(): number {
  const port = Number(process.env.PORT || DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`PORT must be a whole number from 0 to 65535, not ${process.env.PORT}.`);
  return port;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

void main();
