/** Where a service process spends its time, between two moments: V8's CPU profiler, switched by a signal. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { repositoryRoot } from '../../sandbox/repository-root';

const WRITTEN_MS = 30_000;

/** One node of a .cpuprofile. */
interface ProfileNode {
  readonly id: number;
  readonly children?: readonly number[];
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
}

interface CpuProfile {
  readonly nodes: ProfileNode[];
  readonly samples: number[];
  readonly timeDeltas: number[];
}

export interface HotSpot {
  readonly where: string;
  /** Share of the time in which the process was not idle, 0 to 1. */
  readonly share: number;
}

export interface ProfileSummary {
  /** Share of the whole time that was not idle. */
  readonly busy: number;
  readonly functions: HotSpot[];
  /** The same by package or source file; what Node does itself counts for whoever asked for it. */
  readonly places: HotSpot[];
}

/** `--cpu-prof` records the start of the process too; this records only what is asked for. */
export class Profiling {
  /** Of the profiled process, once it runs. */
  pid = 0;

  constructor(private readonly file: string) {}

  get nodeArguments(): string[] {
    return ['--require', join(__dirname, 'profiling-hook.js')];
  }

  get environment(): NodeJS.ProcessEnv {
    return { BENCH_PROFILE_FILE: this.file };
  }

  begin(): void {
    rmSync(this.file, { force: true });
    process.kill(this.pid, 'SIGUSR2');
  }

  async end(): Promise<ProfileSummary> {
    process.kill(this.pid, 'SIGUSR2');
    const giveUpAt = performance.now() + WRITTEN_MS;
    while (!existsSync(this.file)) {
      if (performance.now() > giveUpAt) throw new Error('the profile was not written');
      await pause(50);
    }
    return summarise(JSON.parse(readFileSync(this.file, 'utf8')) as CpuProfile);
  }
}

/** Adds up self time, by function and by place. */
export function summarise(profile: CpuProfile): ProfileSummary {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)),
  );
  const functions = new Map<string, number>();
  const places = new Map<string, number>();
  let whole = 0;
  let busy = 0;
  for (const [at, id] of profile.samples.entries()) {
    const node = byId.get(id);
    const time = profile.timeDeltas[at] ?? 0;
    whole += time;
    if (!node || node.callFrame.functionName === '(idle)') continue;
    const asker = askerOf(node, parents);
    // Starting and stopping the profiler.
    if (asker.endsWith('profiling-hook.js')) continue;
    busy += time;
    const place = placeOf(node);
    const name = node.callFrame.functionName || '(anonymous)';
    add(functions, place === name ? name : `${name}  ${place}:${node.callFrame.lineNumber + 1}`, time);
    add(places, asker, time);
  }
  return { busy: busy / whole, functions: hottest(functions, busy), places: hottest(places, busy) };
}

function add(times: Map<string, number>, key: string, time: number): void {
  times.set(key, (times.get(key) ?? 0) + time);
}

function hottest(times: Map<string, number>, busy: number): HotSpot[] {
  return [...times]
    .map(([where, time]) => ({ where, share: time / busy }))
    .sort((one, other) => other.share - one.share);
}

/** The file below the repository; V8's own work, such as (garbage collector), stands for itself. */
function placeOf({ callFrame }: ProfileNode): string {
  if (callFrame.url === '') return callFrame.functionName || '(anonymous)';
  return callFrame.url.replace(/^file:\/\//, '').replace(`${repositoryRoot}/`, '');
}

/** The nearest code outside of Node: packages as a whole, our own by file. */
function askerOf(node: ProfileNode, parents: ReadonlyMap<number, ProfileNode>): string {
  for (let at: ProfileNode | undefined = node; at; at = parents.get(at.id)) {
    const { url } = at.callFrame;
    if (url === '' || url.startsWith('node:')) continue;
    const place = placeOf(at);
    return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(place)?.[1] ?? place;
  }
  const place = placeOf(node);
  return place.startsWith('(') ? place : `Node alone: ${place}`;
}

const SHOWN = 25;

/** The hottest functions and places as lines of text; none without a profile. */
export function hotSpots(name: string, profile: ProfileSummary | undefined): string[] {
  if (!profile) return [];
  const lines = (spots: readonly HotSpot[]) =>
    spots
      .slice(0, SHOWN)
      .map(({ where, share }) => `    ${(share * 100).toFixed(1).padStart(5)} %  ${where}`);
  return [
    `${name} profile of the service (profiled figures are not to be compared): busy ${(profile.busy * 100).toFixed(0)} % of the time`,
    '  self time by package or file (Node counts for whoever asked for it)',
    ...lines(profile.places),
    '  self time by function',
    ...lines(profile.functions),
  ];
}
