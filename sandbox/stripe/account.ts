import type Stripe from 'stripe';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from './clock';
import { resourceMissing } from './errors';
import { render } from './expand';
import { newId } from './random';
import type { Store } from './store';
import type { TableName, Tables } from './tables';

/** The one version the sandbox speaks: that of the installed `stripe` package. */
export const API_VERSION = '2026-10-28.endive';

/** The request that causes events; both null for what the sandbox does by itself (hosted page, clock). */
export interface Cause {
  id: string | null;
  idempotency_key: string | null;
}

export const NO_REQUEST: Cause = { id: null, idempotency_key: null };

/** Told of each new event inside the transaction that made it, to plan its deliveries. */
export type EventListener = (event: Stripe.EventBase) => void;

/** Told of each row put, inside the transaction, to write down what will be due for it. */
export type PlanListener = (table: TableName, row: { id: string }) => void;

type Living<T extends TableName> = Exclude<Tables[T], { deleted: true }>;

/** One Stripe account: its objects, its time and its events. Everything the operations do goes through here. */
export class Account {
  private cause: Cause = NO_REQUEST;
  private readonly commitListeners: (() => void)[] = [];
  private planner: PlanListener | null = null;
  private rehearsing = 0;

  constructor(
    readonly store: Store,
    readonly clock: Clock,
    /** Where the hosted pages are, without a slash at the end. */
    readonly publicUrl: () => string,
    readonly merchantName: string,
    private readonly onEvent: EventListener,
    private readonly pendingWebhooks: (eventType: string) => number,
  ) {}

  /** Runs one operation as a whole: rows, events and deliveries are kept together or not at all. */
  transaction<R>(cause: Cause, work: () => R): R {
    const result = this.store.transaction(() => {
      this.cause = cause;
      try {
        return work();
      } finally {
        this.cause = NO_REQUEST;
      }
    });
    for (const listener of this.commitListeners) listener();
    return result;
  }

  afterCommit(listener: () => void): void {
    this.commitListeners.push(listener);
  }

  /** Sets who is told of each row put. */
  planBy(planner: PlanListener): void {
    this.planner = planner;
  }

  /** Finds out what would be: runs `work`, takes back its rows, and makes no events. */
  rehearse<R>(work: () => R): R {
    this.rehearsing++;
    try {
      return this.store.rehearse(work);
    } finally {
      this.rehearsing--;
    }
  }

  now(): number {
    return this.clock.seconds();
  }

  /**
   * The living object with this id.
   * @param param Where the id stood: `id` for the path (404), else the name of the parameter (400).
   */
  get<T extends TableName>(table: T, id: string, param = 'id'): Living<T> {
    const row = this.store.find(table, id);
    if (!row || isDeleted(row)) throw resourceMissing(noun(table), id, param);
    return row as Living<T>;
  }

  /** All living objects of a table that fit, newest first: the order of every Stripe list. */
  newest<T extends TableName>(table: T, fits: (row: Living<T>) => boolean = () => true): Living<T>[] {
    const rows: Living<T>[] = [];
    for (const row of this.store.rows(table)) {
      if (!isDeleted(row) && fits(row as Living<T>)) rows.push(row as Living<T>);
    }
    return rows.reverse();
  }

  add<T extends TableName>(table: T, row: Tables[T], eventType?: string): Tables[T] {
    this.store.put(table, row);
    this.planner?.(table, row);
    if (eventType) this.emit(eventType, row);
    return row;
  }

  /**
   * Puts a changed object in place of the old one.
   * An event is made only when something changed; it carries the former values as Stripe does.
   */
  change<T extends TableName>(
    table: T,
    row: Living<T>,
    changes: Partial<Living<T>>,
    eventType?: string,
  ): Living<T> {
    const changed = { ...row, ...changes } as Living<T>;
    const previous = previousAttributes(row as object, changed as object);
    if (!previous) return row;
    this.store.put(table, changed as Tables[T]);
    this.planner?.(table, changed);
    // Only `….updated` events tell former values; `….completed`, `….canceled` and the like do not.
    if (eventType) this.emit(eventType, changed, eventType.endsWith('.updated') ? previous : undefined);
    return changed;
  }

  /** Records an event about the object as it is now. */
  emit(type: string, object: object, previous?: Record<string, unknown>): void {
    if (this.rehearsing > 0) return;
    const event: Stripe.EventBase = {
      id: newId('evt'),
      object: 'event',
      api_version: API_VERSION,
      created: this.now(),
      data: {
        object: render(this, object, []) as Stripe.Event.Data.Object,
        ...(previous ? { previous_attributes: previous as Stripe.Event.Data.PreviousAttributes } : {}),
      },
      livemode: false,
      pending_webhooks: this.pendingWebhooks(type),
      request: { ...this.cause },
      type: type as Stripe.Event.Type,
    };
    this.store.put('event', event);
    this.onEvent(event);
  }
}

function isDeleted(row: object): boolean {
  return 'deleted' in row && row.deleted === true;
}

function noun(table: TableName): string {
  if (table === 'checkout.session') return 'checkout.session';
  if (table === 'payment_method') return 'PaymentMethod';
  return table.replaceAll('.', ' ').replaceAll('_', ' ').replace('webhook endpoint', 'webhook endpoint');
}

/**
 * The former values of what changed, nested objects reduced to the members that changed; null when equal.
 * Lists are given whole, as Stripe gives them.
 */
export function previousAttributes(before: object, after: object): Record<string, unknown> | null {
  const previous: Record<string, unknown> = {};
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const key of keys) {
    const old = (before as Record<string, unknown>)[key];
    const now = (after as Record<string, unknown>)[key];
    if (isDeepStrictEqual(old, now)) continue;
    previous[key] = isPlainObject(old) && isPlainObject(now) ? previousAttributes(old, now) : (old ?? null);
  }
  return Object.keys(previous).length > 0 ? previous : null;
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
