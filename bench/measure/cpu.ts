/** Processor time and memory of processes, from /proc (Linux only; elsewhere all is 0). */
import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second on every machine Node runs on (USER_HZ, time(7)). */
const TICKS = 100;

interface ProcessTimes {
  readonly parent: number;
  readonly seconds: number;
  /** Of children that have ended. */
  readonly childSeconds: number;
}

/** Processor seconds the process has used so far. */
export function cpuSeconds(pid: number): number {
  return timesOf(pid)?.seconds ?? 0;
}

/** The same for a process with all its children, as Postgres is. */
export function cpuSecondsOfFamily(pid: number): number {
  const own = timesOf(pid);
  if (!own) return 0;
  let seconds = own.seconds + own.childSeconds;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const times = timesOf(Number(entry));
    if (times?.parent === pid) seconds += times.seconds;
  }
  return seconds;
}

/** Resident memory in bytes; 0 when the process is gone. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`));
  return line ? Number(line[1]) * 1024 : 0;
}

function timesOf(pid: number): ProcessTimes | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === '') return null;
  // The command may hold spaces and brackets; the fields begin after its last bracket (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = (from: number) => (Number(fields[from]) + Number(fields[from + 1])) / TICKS;
  return { parent: Number(fields[1]), seconds: ticks(11), childSeconds: ticks(13) };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
