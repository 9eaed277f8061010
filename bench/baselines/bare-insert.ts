/** B1's baseline: the same rows by a bare INSERT … SELECT unnest, from this process with four connections. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { METRIC, quantityAt, rowName } from '../load/events';
import { Latencies } from '../measure/latencies';
import type { Stage } from '../stage/stage';
import type { Round } from '../turns';

const ROWS = 1000;
const CONNECTIONS = 4;

/** Every column of billing_events with its type. */
const COLUMNS = {
  tenant_id: 'uuid',
  event_id: 'text',
  event_type: 'text',
  metric_name: 'text',
  increment: 'numeric',
  timestamp: 'timestamptz',
  timestamp_given: 'boolean',
  period: 'timestamptz',
  subject: 'text',
  metadata: 'jsonb',
  received_at: 'timestamptz',
  api_key_id: 'uuid',
  reverses: 'text',
  reason: 'text',
};

const INSERT = `
  insert into bare_events (${Object.keys(COLUMNS).join(', ')})
  select * from unnest(${Object.values(COLUMNS)
    .map((type, at) => `$${at + 1}::${type}[]`)
    .join(', ')})`;

/** A table like the ledger, with its keys, in one piece; whoever may use the ledger may insert here. */
export class BareInsert {
  private readonly clients: Client[] = [];
  private readonly sent = Array.from({ length: CONNECTIONS }, () => 0);
  /** One array for each column; only ids and tenants change from one statement to the next. */
  private readonly fixed: unknown[][];

  private constructor(
    private readonly stage: Stage,
    private readonly tenants: readonly string[],
  ) {
    this.fixed = fixedColumns();
  }

  static async open(stage: Stage, tenants: readonly string[]): Promise<BareInsert> {
    await stage.sql.query('create table bare_events (like billing_events including all)');
    await stage.sql.query('grant insert on bare_events to app');
    const insert = new BareInsert(stage, tenants);
    for (let at = 0; at < CONNECTIONS; at += 1) {
      const client = new Client({ connectionString: stage.appUrl });
      await client.connect();
      insert.clients.push(client);
    }
    return insert;
  }

  /** Inserts on all connections for so long; counts what was committed in that time. */
  async round(seconds: number): Promise<Round> {
    const latencies = new Latencies();
    const endsAt = performance.now() + seconds * 1000;
    let rows = 0;
    const work = async (client: Client, connection: number): Promise<void> => {
      for (let sentAt = performance.now(); sentAt < endsAt;) {
        await client.query({ name: 'insert', text: INSERT, values: this.values(connection) });
        const now = performance.now();
        if (now < endsAt) {
          rows += ROWS;
          latencies.add(now - sentAt);
        }
        sentAt = now;
      }
    };
    await Promise.all(this.clients.map(work));
    return {
      perSecond: rows / seconds,
      p50Ms: latencies.percentile(0.5),
      p99Ms: latencies.percentile(0.99),
    };
  }

  /** Whether every row that was sent is there. */
  async isComplete(): Promise<boolean> {
    const { rows } = await this.stage.sql.query<{ count: string }>('select count(*) from bare_events');
    return Number(rows[0]!.count) === this.sent.reduce((sum, statements) => sum + statements * ROWS, 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.end()));
  }

  private values(connection: number): unknown[][] {
    const number = this.sent[connection]!;
    this.sent[connection] = number + 1;
    const tenant = this.tenants[(number * CONNECTIONS + connection) % this.tenants.length]!;
    const stem = `b1_${rowName(connection)}_${String(number).padStart(9, '0')}_`;
    const ids = new Array<string>(ROWS);
    for (let row = 0; row < ROWS; row += 1) ids[row] = stem + rowName(row);
    const [, , ...rest] = this.fixed;
    return [new Array<string>(ROWS).fill(tenant), ids, ...rest];
  }
}

function fixedColumns(): unknown[][] {
  const now = new Date();
  const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
  const key = randomUUID();
  // Times as text: making it from Date objects a thousand times a statement would slow the baseline down.
  const value: Record<keyof typeof COLUMNS, (row: number) => unknown> = {
    tenant_id: () => null,
    event_id: () => null,
    event_type: () => 'usage',
    metric_name: () => METRIC,
    increment: quantityAt,
    timestamp: () => now.toISOString(),
    timestamp_given: () => false,
    period: () => month.toISOString(),
    subject: () => null,
    metadata: () => null,
    received_at: () => now.toISOString(),
    api_key_id: () => key,
    reverses: () => null,
    reason: () => null,
  };
  return Object.values(value).map((at) => Array.from({ length: ROWS }, (_, row) => at(row)));
}
