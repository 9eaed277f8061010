/** B9: Redis is emptied; every counter must be told right at once, and be there again soon. */
import { type BenchCase, type BenchContext, boundLine, Incorrect, type Outcome } from '../bench-case';
import type { Answer } from '../load/connection';
import { drive, type Traffic } from '../load/drive';
import { RequestBytes } from '../load/request';
import { hotSpots } from '../measure/profiling';
import { seedLedger } from '../stage/ledger';
import { Stage } from '../stage/stage';
import { addFreePlan, addTenantsBySql } from '../stage/tenants';
import { median } from '../turns';
import { CHECK_CONNECTIONS, checkRequest } from './b03-limit-checks';

const FULL = 100_000;
const USUAL = 10_000;
const GOAL_S = 30;
const USED = Buffer.from('"current_usage":');

export const rebuild: BenchCase = {
  id: 'B9',
  title: 'counters after FLUSHALL',
  run: flushAndRead,
};

async function flushAndRead(context: BenchContext): Promise<Outcome> {
  const { servers, options, say } = context;
  const counters = options.full ? FULL : USUAL;
  const stage = await Stage.open(servers, { profile: options.profile });
  try {
    await addFreePlan(stage);
    const tenants = await addTenantsBySql(stage, counters);
    // One event each, of quantities that differ.
    await seedLedger(stage, tenants, counters);
    const used = await usedByTenant(stage);
    const warm = await readAll(stage, tenants, used);
    const keys = await stage.redis.dbsize();
    say(`  all read once: ${warm.toFixed(1)} s; ${keys.toLocaleString('en')} keys in Redis`);
    const seconds: number[] = [];
    const keysAfter: number[] = [];
    stage.profiling?.begin();
    for (let round = 1; round <= options.rounds; round += 1) {
      await stage.redis.flushall();
      seconds.push(await readAll(stage, tenants, used));
      keysAfter.push(await stage.redis.dbsize());
      say(`  round ${round}/${options.rounds}: all right after ${seconds.at(-1)!.toFixed(1)} s`);
    }
    const profile = await stage.profiling?.end();
    const line = { case: 'B9', what: `${counters.toLocaleString('en')} counters read right after FLUSHALL` };
    return {
      lines: [boundLine({ ...line, unit: 's', figure: median(seconds), baseline: warm }, GOAL_S)],
      notes: [
        ...(options.full ? [] : ['B9: --full reads 100,000 counters']),
        `B9: every answer is compared with the ledger; baseline = the same reads when the service has just started`,
        `B9: keys in Redis before ${keys.toLocaleString('en')}, after ${median(keysAfter).toLocaleString('en')}`,
        ...hotSpots('B9', profile),
      ],
      sides: {},
    };
  } finally {
    await stage.close();
  }
}

async function usedByTenant(stage: Stage): Promise<Map<string, number>> {
  const { rows } = await stage.sql.query<{ tenant_id: string; used: string }>(
    'select tenant_id, sum(increment) as used from billing_events group by tenant_id',
  );
  return new Map(rows.map((row) => [row.tenant_id, Number(row.used)]));
}

/** Asks for each counter once. @returns seconds; @throws Incorrect with the first that is told wrong */
async function readAll(stage: Stage, tenants: string[], used: Map<string, number>): Promise<number> {
  const reads = new CounterReads(stage.serviceKey, tenants, used);
  const ports = Array.from({ length: CHECK_CONNECTIONS }, () => stage.process.port);
  const startedAt = performance.now();
  while (reads.finishedAt === null) await drive({ ports, seconds: 0.5 }, reads);
  if (reads.wrong) throw new Incorrect([reads.wrong]);
  return (reads.finishedAt - startedAt) / 1000;
}

/** Every tenant's counter, each compared with what it must be. */
class CounterReads implements Traffic {
  /** When the last tenant's first answer was there. */
  finishedAt: number | null = null;
  /** The first that was told wrong, in words. */
  wrong: string | null = null;
  private asked = 0;
  private answered = 0;
  private readonly requests: RequestBytes[];
  private readonly tenantOf: number[] = [];
  private readonly tenantBytes: Buffer[];

  constructor(
    key: string,
    private readonly tenants: readonly string[],
    private readonly used: ReadonlyMap<string, number>,
  ) {
    this.requests = Array.from({ length: CHECK_CONNECTIONS }, () => new RequestBytes(checkRequest(key)));
    this.tenantBytes = tenants.map((id) => Buffer.from(id));
  }

  next(connection: number): Buffer {
    const tenant = this.asked % this.tenants.length;
    this.asked += 1;
    this.tenantOf[connection] = tenant;
    const request = this.requests[connection]!;
    request.setTenant(this.tenantBytes[tenant]!);
    return request.bytes;
  }

  units(connection: number, { status, bytes, bodyAt }: Answer): number {
    const at = bytes.indexOf(USED, bodyAt);
    if (status !== 200 || at === -1) return -1;
    const tenant = this.tenants[this.tenantOf[connection]!]!;
    const told = Number.parseInt(bytes.toString('latin1', at + USED.length, at + USED.length + 20), 10);
    if (told !== this.used.get(tenant))
      this.wrong ??= `tenant ${tenant}: told ${told} used, the ledger has ${this.used.get(tenant)}`;
    this.answered += 1;
    // Answers overtake each other, so as many more are waited for as there are connections.
    if (this.answered === this.tenants.length + CHECK_CONNECTIONS) this.finishedAt = performance.now();
    return 1;
  }
}
