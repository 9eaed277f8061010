import type { Answered } from '../support/api';
import type { Cluster, ClusterTenant } from './cluster';
import type { FaultClient, Settled } from './fault-client';

/** An event as it is sent, every time in the same words. */
export interface SentEvent {
  event_id: string;
  metric: string;
  quantity?: number | string;
  timestamp?: string;
  subject?: string;
}

/** What the clients were told about one event. */
interface Page {
  readonly tenant: ClusterTenant;
  readonly event: SentEvent;
  recorded: number;
  duplicate: number;
  refused: number;
  /** Another answer than these. */
  other: number;
  /** Attempts after which nobody knew whether it was recorded. */
  unsure: number;
}

/** The clients' own book of what they were told, to be held against the ledger (I2). */
export interface BookFindings {
  acknowledged: number;
  refused: number;
  /** Acknowledged, and not in the ledger. */
  lost: number;
  /** Answered `recorded` more than once. */
  recordedTwice: number;
  /** Answered `duplicate`, although nobody had ever been able to record it. */
  wrongDuplicates: number;
  /** Refused at least once although it is in the ledger. */
  wrongRefusals: number;
  /** In the ledger although every answer was a no and no attempt was unsure. */
  refusedButCounted: number;
  /** In the ledger with another metric or quantity. */
  altered: number;
  /** In the ledger of these tenants, and nobody sent it. */
  unknown: number;
  /** Answered something that a correct event never gets. */
  otherAnswers: number;
  /** Of the acknowledged, those that a lost answer had recorded: the proof that the fault bit. */
  savedByRetry: number;
}

export class LedgerBook {
  private readonly pages = new Map<string, Page>();
  private readonly tenants = new Map<string, ClusterTenant>();
  /** The first few answers that were not expected. */
  readonly oddities: string[] = [];

  get size(): number {
    return this.pages.size;
  }

  /** Sends one event and writes down what came. */
  async send(
    client: FaultClient,
    tenant: ClusterTenant,
    event: SentEvent,
    options: { replica?: number; path?: string } = {},
  ): Promise<Settled> {
    const path = options.path ?? '/v1/billings/usage/events';
    const settled = await client.settle({
      method: 'POST',
      path,
      key: tenant.key,
      body: event,
      replica: options.replica,
    });
    const page = this.page(tenant, event);
    page.unsure += unsureOf(settled);
    this.write(page, statusOf(settled), settled);
    return settled;
  }

  /** Sends several as one batch. */
  async sendBatch(
    client: FaultClient,
    tenant: ClusterTenant,
    events: readonly SentEvent[],
  ): Promise<Settled> {
    const settled = await client.settle({
      method: 'POST',
      path: '/v1/billings/usage/events',
      key: tenant.key,
      body: { events },
    });
    const results = settled.status === 200 ? (settled.body.results as Answered[]) : [];
    events.forEach((event, at) => {
      const page = this.page(tenant, event);
      page.unsure += unsureOf(settled);
      this.write(page, results[at]?.status ?? `${settled.status}`, settled);
    });
    return settled;
  }

  /** Holds the book against the ledger. */
  async compare(cluster: Cluster): Promise<BookFindings> {
    const rows = await cluster.postgres.rows<{
      tenant_id: string;
      event_id: string;
      metric_name: string;
      increment: string;
    }>(
      `select tenant_id, event_id, metric_name, trim_scale(increment)::text as increment from billing_events
       where tenant_id = any($1)`,
      [[...this.tenants.keys()]],
    );
    const ledger = new Map(rows.map((row) => [`${row.tenant_id} ${row.event_id}`, row]));
    const found: BookFindings = {
      acknowledged: 0,
      refused: 0,
      lost: 0,
      recordedTwice: 0,
      wrongDuplicates: 0,
      wrongRefusals: 0,
      refusedButCounted: 0,
      altered: 0,
      unknown: 0,
      otherAnswers: 0,
      savedByRetry: 0,
    };
    for (const [key, page] of this.pages) {
      const row = ledger.get(key);
      ledger.delete(key);
      const isAcknowledged = page.recorded + page.duplicate > 0;
      if (isAcknowledged) found.acknowledged++;
      else if (page.refused > 0) found.refused++;
      if (isAcknowledged && !row) found.lost++;
      if (page.recorded > 1) found.recordedTwice++;
      if (page.recorded === 0 && page.duplicate > 0) {
        if (page.unsure > 0) found.savedByRetry++;
        else found.wrongDuplicates++;
      }
      if (row && page.refused > 0) found.wrongRefusals++;
      if (row && !isAcknowledged && page.unsure === 0) found.refusedButCounted++;
      if (
        row &&
        (row.metric_name !== page.event.metric || row.increment !== String(page.event.quantity ?? 1))
      )
        found.altered++;
      found.otherAnswers += page.other;
    }
    found.unknown = ledger.size;
    return found;
  }

  private page(tenant: ClusterTenant, event: SentEvent): Page {
    this.tenants.set(tenant.id, tenant);
    const key = `${tenant.id} ${event.event_id}`;
    const page = this.pages.get(key) ?? {
      tenant,
      event,
      recorded: 0,
      duplicate: 0,
      refused: 0,
      other: 0,
      unsure: 0,
    };
    this.pages.set(key, page);
    return page;
  }

  private write(page: Page, status: string, settled: Settled): void {
    if (status === 'recorded') page.recorded++;
    else if (status === 'duplicate') page.duplicate++;
    else if (status === 'limit_exceeded') page.refused++;
    else {
      page.other++;
      if (this.oddities.length < 5)
        this.oddities.push(
          `${page.event.event_id}: ${settled.status} ${JSON.stringify(settled.body).slice(0, 300)}`,
        );
    }
  }
}

/** The status of a single event's answer, in the words of a batch. */
function statusOf({ status, body }: Settled): string {
  if (status === 201 && body?.status === 'recorded') return 'recorded';
  if (status === 200 && body?.status === 'duplicate') return 'duplicate';
  if (status === 402 && body?.code === 'limit_exceeded') return 'limit_exceeded';
  return String(status);
}

/** Attempts that may have been recorded all the same: no answer, or an error of ours. */
function unsureOf({ attempts }: Settled): number {
  return attempts.filter(({ outcome }) => outcome !== 'answered' && outcome !== 'not_sent').length;
}
