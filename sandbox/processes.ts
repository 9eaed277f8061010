/** Processes we started: told apart from strangers with the same id, and stopped politely. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process as it can be written down and recognised later. */
export interface KnownProcess {
  readonly pid: number;
  /** When it started; the system uses ids again, never with the same start. */
  readonly mark: string;
}

/**
 * The moment a process started, in words only good for comparing.
 * Answers null when there is no such process, or it has ended and only waits to be reaped.
 */
export function processMark(pid: number): string | null {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The command may hold spaces and brackets; the fields begin after its last bracket (proc(5)).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return null;
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot}:${fields[19]}`;
    } catch {
      return null;
    }
  }
  const started = spawnSync('ps', ['-p', String(pid), '-o', 'lstart='], { encoding: 'utf8' });
  return started.stdout?.trim() || null;
}

/** The process as it is now, or null when it has already ended. */
export function knownProcess(pid: number): KnownProcess | null {
  const mark = processMark(pid);
  return mark === null ? null : { pid, mark };
}

/** Whether exactly this process still runs. */
export function isRunning(known: KnownProcess): boolean {
  return processMark(known.pid) === known.mark;
}

/** The command line of a process, or '' when it cannot be read. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' }).stdout.trim();
  } catch {
    return '';
  }
}

/**
 * Asks a process to end, waits, and ends it by force after `graceMs`.
 * Does nothing when the process is gone or its id now belongs to a stranger.
 */
export async function stopKnownProcess(
  known: KnownProcess,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  if (!isRunning(known)) return;
  send(known.pid, signal);
  const giveUpAt = Date.now() + graceMs;
  while (isRunning(known)) {
    if (Date.now() > giveUpAt) send(known.pid, 'SIGKILL');
    await sleep(10);
  }
}

/** Like {@link stopKnownProcess} for a child of ours; answers once its exit was seen. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
    child.once('exit', () => {
      clearTimeout(force);
      resolve();
    });
    child.kill(signal);
  });
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal: that is what we wanted.
  }
}
