/** Usage events without end, each with an id of its own, and a book of what was acknowledged. */
import type { Answer } from './connection';
import type { Traffic } from './drive';
import { NUMBER, RequestBytes } from './request';

export const METRIC = 'api_calls';
const EVENTS_ROUTE = '/v1/billings/usage/events';

export interface EventTrafficOptions {
  readonly key: string;
  readonly tenants: readonly string[];
  readonly connections: number;
  /** Events in a request; 1 sends the single form. */
  readonly batch: number;
  /** Begins every event id; another one for each traffic on the same database. */
  readonly run: string;
}

/** Acknowledged, by tenant. */
export interface Acknowledged {
  readonly tenant: string;
  readonly events: number;
  readonly quantity: number;
}

/** Ids of one connection: `<run>_<connection>_<request>[_<row>]`, in order as ULIDs would be. */
export interface Sender {
  readonly prefix: string;
  readonly requests: number;
}

/**
 * Requests go round the tenants; what is under way on all connections at a time has different tenants, if there
 * are enough of them. Used for all rounds of a case, so that ids never repeat.
 */
export class EventTraffic implements Traffic {
  readonly batch: number;
  private readonly requests: RequestBytes[];
  private readonly tenantBytes: Buffer[];
  private readonly sent: number[];
  private readonly tenantOf: number[];
  private readonly acknowledgedRequests: Float64Array;
  private readonly summary: Buffer;

  constructor(private readonly options: EventTrafficOptions) {
    const { tenants, connections, batch } = options;
    this.batch = batch;
    this.tenantBytes = tenants.map((id) => Buffer.from(id));
    this.requests = Array.from({ length: connections }, (_, connection) => this.request(connection));
    this.sent = this.requests.map(() => 0);
    this.tenantOf = this.requests.map(() => 0);
    this.acknowledgedRequests = new Float64Array(tenants.length);
    this.summary = Buffer.from(`"recorded":${batch}`);
  }

  next(connection: number): Buffer {
    const number = this.sent[connection]!;
    this.sent[connection] = number + 1;
    const tenant = (number * this.requests.length + connection) % this.tenantBytes.length;
    this.tenantOf[connection] = tenant;
    const request = this.requests[connection]!;
    request.setTenant(this.tenantBytes[tenant]!);
    request.setNumber(number);
    return request.bytes;
  }

  units(connection: number, answer: Answer): number {
    if (!this.isAcknowledgement(answer)) return -1;
    this.acknowledgedRequests[this.tenantOf[connection]!]! += 1;
    return this.batch;
  }

  /** What the service has said it recorded. */
  acknowledged(): Acknowledged[] {
    return this.options.tenants.map((tenant, at) => {
      const requests = this.acknowledgedRequests[at]!;
      return {
        tenant,
        events: requests * this.batch,
        quantity: requests * quantityOf(this.batch),
      };
    });
  }

  senders(): Sender[] {
    return this.sent.map((requests, connection) => ({ prefix: this.prefix(connection), requests }));
  }

  private isAcknowledgement({ status, bytes, bodyAt }: Answer): boolean {
    // A single event that was there already is answered 200.
    if (this.batch === 1) return status === 201;
    return status === 200 && bytes.includes(this.summary, bodyAt);
  }

  private request(connection: number): RequestBytes {
    const { key, batch } = this.options;
    const stem = `${this.prefix(connection)}${NUMBER}`;
    const body =
      batch === 1
        ? event(stem, 0)
        : `{"events":[${Array.from({ length: batch }, (_, row) => event(`${stem}_${rowName(row)}`, row)).join(',')}]}`;
    return new RequestBytes({ method: 'POST', path: EVENTS_ROUTE, key, body });
  }

  private prefix(connection: number): string {
    return `${this.options.run}_${String(connection).padStart(2, '0')}_`;
  }
}

/** Four digits. */
export function rowName(row: number): string {
  return String(row).padStart(4, '0');
}

/** Quantities differ, so that a sum is more than a count. */
export function quantityAt(row: number): number {
  return (row % 9) + 1;
}

function event(id: string, row: number): string {
  return `{"event_id":"${id}","metric":"${METRIC}","quantity":${quantityAt(row)}}`;
}

function quantityOf(batch: number): number {
  let sum = 0;
  for (let row = 0; row < batch; row += 1) sum += quantityAt(row);
  return sum;
}
