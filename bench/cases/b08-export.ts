/** B8: a month of one tenant's events as CSV, beside COPY … TO STDOUT; the service's memory stays where it is. */
import { get, type IncomingMessage } from 'node:http';
import { copyOut } from '../baselines/copy-out';
import {
  type BenchCase,
  type BenchContext,
  boundLine,
  Incorrect,
  type Outcome,
  ratioLine,
} from '../bench-case';
import { residentBytes } from '../measure/cpu';
import { hotSpots } from '../measure/profiling';
import { sideNotes } from '../report';
import { seedLedger } from '../stage/ledger';
import { Stage } from '../stage/stage';
import { addFreePlan, addTenants } from '../stage/tenants';
import { inTurns, type Round } from '../turns';

const FULL = 10_000_000;
const USUAL = 1_000_000;
const GROWTH_MB = 100;
const MB = 1024 * 1024;
const LOOK_EVERY_MS = 50;
const NEW_LINE = 10;
/** Of seeded ids: seed_000000000123. */
const SEED = Buffer.from('seed_');
const SEED_DIGITS = 12;

export const usageExport: BenchCase = {
  id: 'B8',
  title: 'usage export to CSV',
  run: exportUsage,
};

async function exportUsage(context: BenchContext): Promise<Outcome> {
  const { servers, options, say } = context;
  const events = options.full ? FULL : USUAL;
  const stage = await Stage.open(servers, { profile: options.profile });
  try {
    await addFreePlan(stage);
    const [tenant] = await addTenants(stage, 1);
    await seedLedger(stage, [tenant!], events, say);
    const before = residentBytes(stage.process.pid);
    const source = new Export(stage, tenant!);
    const seen = new SeenIds(events);
    await source.read((chunk) => seen.look(chunk));
    const faults = seen.faults();
    if (faults.length > 0) throw new Incorrect(faults);

    let most = before;
    const watch = setInterval(() => (most = Math.max(most, residentBytes(stage.process.pid))), LOOK_EVERY_MS);
    const select = `select * from billing_events where tenant_id = '${tenant!}'`;
    const superuserUrl = stage.superuserUrl;
    // A round is one whole export, however long it takes.
    const [copy, exported] = await inTurns(
      context,
      [
        { name: 'copy to stdout', round: () => timed(events, () => copyOut(superuserUrl, select)) },
        {
          name: 'export',
          processes: stage.processes,
          round: () => timed(events, () => source.countRows()),
        },
      ],
      () => stage.profiling?.begin(),
    );
    clearInterval(watch);
    const profile = await stage.profiling?.end();
    const figures = { figure: exported!.perSecond, baseline: copy!.perSecond };
    return {
      lines: [
        ratioLine({ case: 'B8', what: 'export', unit: 'rows/s', ...figures }, 0.3),
        boundLine({ case: 'B8', what: 'memory growth', unit: 'MB', figure: (most - before) / MB }, GROWTH_MB),
      ],
      notes: [
        `B8: ${events.toLocaleString('en')} events${options.full ? '' : ' (--full exports 10 M)'}; RSS ${Math.round(before / MB)} → at most ${Math.round(most / MB)} MB`,
        ...sideNotes('B8', { export: exported!, 'copy to stdout': copy! }),
        ...hotSpots('B8', profile),
      ],
      sides: { baseline: copy!, service: exported! },
    };
  } finally {
    await stage.close();
  }
}

async function timed(events: number, work: () => Promise<number>): Promise<Round> {
  const startedAt = performance.now();
  const rows = await work();
  const ms = performance.now() - startedAt;
  if (rows !== events) throw new Incorrect([`${rows} rows of ${events} came`]);
  return { perSecond: rows / (ms / 1000), p50Ms: ms, p99Ms: ms };
}

/** The export as a client reads it. */
class Export {
  constructor(
    private readonly stage: Stage,
    private readonly tenant: string,
  ) {}

  /** Rows without the heading. Seeded rows hold no line break, so lines are rows. */
  async countRows(): Promise<number> {
    let lines = 0;
    await this.read((chunk) => {
      for (let at = chunk.indexOf(NEW_LINE); at !== -1; at = chunk.indexOf(NEW_LINE, at + 1)) lines += 1;
    });
    return lines - 1;
  }

  async read(onChunk: (chunk: Buffer) => void): Promise<void> {
    const answer = await this.open();
    if (answer.statusCode !== 200) throw new Incorrect([`the export was answered ${answer.statusCode}`]);
    await new Promise<void>((resolve, reject) => {
      answer.on('data', onChunk);
      answer.on('end', resolve);
      answer.on('error', reject);
      answer.on('aborted', () => reject(new Error('the export broke off')));
    });
  }

  private open(): Promise<IncomingMessage> {
    const now = new Date();
    const from = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
    const query = new URLSearchParams({ from: from.toISOString(), to: now.toISOString() });
    return new Promise((resolve, reject) => {
      const request = get(
        `${this.stage.url}/v1/billings/usage/export?${query}`,
        { headers: { authorization: `Bearer ${this.stage.serviceKey}`, 'tenant-id': this.tenant } },
        resolve,
      );
      request.on('error', reject);
    });
  }
}

/** Which of the seeded events came: each must come once. */
class SeenIds {
  private readonly seen: Uint8Array;
  private doubled = 0;
  private rest = Buffer.alloc(0);

  constructor(events: number) {
    this.seen = new Uint8Array(events);
  }

  look(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const whole = SEED.length + SEED_DIGITS;
    let from = 0;
    for (let at = bytes.indexOf(SEED); at !== -1; at = bytes.indexOf(SEED, from)) {
      if (at + whole > bytes.length) break;
      const id = Number(bytes.toString('latin1', at + SEED.length, at + whole));
      if (this.seen[id] === 1) this.doubled += 1;
      this.seen[id] = 1;
      from = at + whole;
    }
    // An id may be cut in two by the border of a chunk.
    this.rest = Buffer.from(bytes.subarray(Math.max(from, bytes.length - whole + 1)));
  }

  faults(): string[] {
    const lost = this.seen.reduce((sum, seen) => sum + (seen === 0 ? 1 : 0), 0);
    return [
      ...(lost > 0 ? [`${lost} events are missing in the export`] : []),
      ...(this.doubled > 0 ? [`${this.doubled} events are in the export twice`] : []),
    ];
  }
}
