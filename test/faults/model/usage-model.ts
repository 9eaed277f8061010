import { amountToJson, nano, type Nano } from './amount';
import { meterOf, METERS, type ModelMeter } from './meters';

/** An event as it is sent. */
export interface ModelEvent {
  readonly id: string;
  readonly metric: string;
  readonly quantity: number | string;
  readonly subject: string | null;
  /** Milliseconds; null = not sent. */
  readonly at: number | null;
  readonly isDecrement: boolean;
}

export type Verdict =
  | { status: 'recorded' | 'duplicate' | 'conflict' | 'limit_exceeded' | 'below_zero'; place: Place }
  | { status: 'invalid'; problem: 'late_usage' | 'validation_failed' | 'unprocessable' | 'unknown_meter' };

/** Where an event would count now. */
export interface Place {
  readonly metric: string;
  readonly start: number;
  readonly isLate: boolean;
}

interface LedgerRow {
  readonly event: ModelEvent;
  readonly start: number;
  /** When it happened. */
  readonly time: number;
  readonly order: number;
  readonly type: 'usage' | 'reservation';
  isReversed: boolean;
}

export interface ModelReservation {
  readonly id: string;
  readonly metric: string;
  readonly start: number;
  readonly quantity: Nano;
  readonly subject: string | null;
  readonly expiresAt: number;
  status: 'held' | 'committed' | 'released' | 'expired';
  committed: Nano | null;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
const GRACE_PERCENT = 10n;

/**
 * What the usage ledger promises, in memory and in one thread: the ledger is a list, and every number is found from
 * the whole list each time it is asked for. Slow and hard to get wrong.
 */
export class UsageModel {
  readonly rows = new Map<string, LedgerRow>();
  readonly reservations: ModelReservation[] = [];
  /** The plan's. */
  readonly limits = new Map<string, number | null>(METERS.map(({ key, limit }) => [key, limit]));
  readonly overrides = new Map<string, { limit: number | null; expiresAt: number | null }>();
  private order = 0;

  constructor(public now: number) {}

  /** Decides and records one event. */
  record(event: ModelEvent): Verdict {
    const meter = METERS.find(({ key }) => key === event.metric);
    if (!meter) return { status: 'invalid', problem: 'unknown_meter' };
    if (event.isDecrement && meter.key !== 'campaigns')
      return { status: 'invalid', problem: 'unprocessable' };
    if (meter.aggregation === 'unique' && event.subject === null)
      return { status: 'invalid', problem: 'validation_failed' };
    if (decimals(event.quantity) > meter.scale) return { status: 'invalid', problem: 'validation_failed' };
    const known = this.rows.get(event.id);
    const place = this.place(meter, event.at);
    if (known) {
      const status = isSame(known.event, event) ? 'duplicate' : 'conflict';
      return { status, place: typeof place === 'string' ? placeOfRow(known) : place };
    }
    if (typeof place === 'string') return { status: 'invalid', problem: place };

    const quantity = nano(event.quantity);
    const used = this.used(meter.key, place.start);
    const row = this.rowOf(event, place.start);
    this.rows.set(event.id, row);
    const added = this.used(meter.key, place.start) - used;
    const refuse = (status: 'limit_exceeded' | 'below_zero'): Verdict => {
      this.rows.delete(event.id);
      return { status, place };
    };
    if (event.isDecrement) return used - quantity < 0n ? refuse('below_zero') : { status: 'recorded', place };
    const most = this.graceLimit(meter.key);
    if (added > 0n && most !== null && used + this.reserved(meter.key, place.start) + added > most)
      return refuse('limit_exceeded');
    return { status: 'recorded', place };
  }

  /** Holds capacity; null when there is none. */
  reserve(
    id: string,
    metric: string,
    quantity: Nano,
    ttlMs: number,
    subject: string | null,
  ): ModelReservation | null {
    const meter = meterOf(metric);
    const place = this.place(meter, null) as Place;
    const most = this.graceLimit(metric);
    const fits = (): boolean =>
      most === null || this.used(metric, place.start) + this.reserved(metric, place.start) + quantity <= most;
    // What nobody can commit any more does not keep others out.
    if (!fits() && this.expireDue(metric) === 0) return null;
    if (!fits()) return null;
    const reservation: ModelReservation = {
      id,
      metric,
      start: place.start,
      quantity,
      subject,
      expiresAt: this.now + ttlMs,
      status: 'held',
      committed: null,
    };
    this.reservations.push(reservation);
    return reservation;
  }

  commit(reservation: ModelReservation, quantity: Nano): 'ok' | 'more_than_reserved' | 'state_conflict' {
    if (reservation.status === 'committed')
      return reservation.committed === quantity ? 'ok' : 'state_conflict';
    if (this.statusOf(reservation) !== 'held') {
      if (reservation.status === 'held') reservation.status = 'expired';
      return 'state_conflict';
    }
    if (quantity > reservation.quantity) return 'more_than_reserved';
    reservation.status = 'committed';
    reservation.committed = quantity;
    const event: ModelEvent = {
      id: `reservation~${reservation.id}`,
      metric: reservation.metric,
      quantity: amountToJson(quantity),
      subject: reservation.subject,
      at: null,
      isDecrement: false,
    };
    this.rows.set(event.id, { ...this.rowOf(event, reservation.start), type: 'reservation' });
    return 'ok';
  }

  release(reservation: ModelReservation): 'ok' | 'state_conflict' {
    if (reservation.status === 'committed') return 'state_conflict';
    if (reservation.status === 'held')
      reservation.status = this.statusOf(reservation) === 'held' ? 'released' : 'expired';
    return 'ok';
  }

  /** What callers are told of it now. */
  statusOf({ status, expiresAt }: ModelReservation): ModelReservation['status'] {
    return status === 'held' && expiresAt <= this.now ? 'expired' : status;
  }

  /** Gives back what nobody committed in time. @returns how many */
  expireDue(metric: string | null = null): number {
    const due = this.reservations.filter(
      (one) =>
        one.status === 'held' &&
        this.statusOf(one) === 'expired' &&
        (metric === null || one.metric === metric),
    );
    for (const one of due) one.status = 'expired';
    return due.length;
  }

  correct(eventId: string): 'new' | 'known' | 'below_zero' | 'not_found' {
    const row = this.rows.get(eventId);
    if (!row) return 'not_found';
    if (row.isReversed) return 'known';
    row.isReversed = true;
    if (this.used(row.event.metric, row.start) >= 0n) return 'new';
    row.isReversed = false;
    return 'below_zero';
  }

  /** Used of a metric in the period that begins there. */
  used(metric: string, start: number): Nano {
    const rows = [...this.rows.values()].filter(
      (row) => row.event.metric === metric && row.start === start && !row.isReversed,
    );
    switch (meterOf(metric).aggregation) {
      case 'sum':
        return rows.reduce((sum, { event }) => sum + signed(event), 0n);
      case 'count':
        return nano(rows.length);
      case 'unique':
        return nano(new Set(rows.map(({ event }) => event.subject)).size);
      case 'max':
        return rows.reduce(
          (most, { event }) => (nano(event.quantity) > most ? nano(event.quantity) : most),
          0n,
        );
      case 'latest':
        return nano(rows.sort((a, b) => b.time - a.time || b.order - a.order)[0]?.event.quantity ?? 0);
    }
  }

  reserved(metric: string, start: number): Nano {
    return this.reservations
      .filter((one) => one.metric === metric && one.start === start && one.status === 'held')
      .reduce((sum, { quantity }) => sum + quantity, 0n);
  }

  /** The limit in force now; null = unlimited. */
  limit(metric: string): number | null {
    const override = this.overrides.get(metric);
    const holds = override && (override.expiresAt === null || override.expiresAt > this.now);
    return holds ? override.limit : (this.limits.get(metric) ?? null);
  }

  /** The most that may be used. */
  graceLimit(metric: string): Nano | null {
    const limit = this.limit(metric);
    return limit === null ? null : nano(String((BigInt(limit) * (100n + GRACE_PERCENT)) / 100n));
  }

  /** What may still be used before the limit; null = unlimited. */
  remaining(metric: string, start: number): Nano | null {
    const limit = this.limit(metric);
    if (limit === null) return null;
    const left = nano(limit) - this.used(metric, start) - this.reserved(metric, start);
    return left < 0n ? 0n : left;
  }

  /** The period that is open now. */
  openPeriod(metric: string): number {
    return (this.place(meterOf(metric), null) as Place).start;
  }

  /** Every counter that has anything in it. */
  counters(): { metric: string; start: number }[] {
    const keys = new Map<string, { metric: string; start: number }>();
    for (const { event, start } of this.rows.values())
      keys.set(`${event.metric} ${start}`, { metric: event.metric, start });
    for (const { metric, start } of this.reservations) keys.set(`${metric} ${start}`, { metric, start });
    return [...keys.values()];
  }

  private place(meter: ModelMeter, at: number | null): Place | 'late_usage' | 'validation_failed' {
    if (at !== null && at > this.now + 5 * MINUTE) return 'validation_failed';
    if (at !== null && at < this.now - 35 * DAY) return 'late_usage';
    if (meter.kind === 'gauge') return { metric: meter.key, start: 0, isLate: false };
    const open = monthStart(this.now);
    if (at === null || monthStart(at) === open) return { metric: meter.key, start: open, isLate: false };
    if (at > this.now) return { metric: meter.key, start: monthStart(at), isLate: false };
    return meter.rejectsLate ? 'late_usage' : { metric: meter.key, start: open, isLate: true };
  }

  private rowOf(event: ModelEvent, start: number): LedgerRow {
    return {
      event,
      start,
      time: event.at ?? this.now,
      order: this.order++,
      type: 'usage',
      isReversed: false,
    };
  }
}

/** Where an event does count, when its time can no longer be placed. */
function placeOfRow({ event, start, time }: LedgerRow): Place {
  return { metric: event.metric, start, isLate: time < start };
}

/** Start of the calendar month, in UTC. */
export function monthStart(at: number, months = 0): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1);
}

function signed({ quantity, isDecrement }: ModelEvent): Nano {
  return isDecrement ? -nano(quantity) : nano(quantity);
}

function isSame(a: ModelEvent, b: ModelEvent): boolean {
  return (
    a.metric === b.metric &&
    signed(a) === signed(b) &&
    a.subject === b.subject &&
    (a.at === null) === (b.at === null) &&
    a.at === b.at
  );
}

function decimals(quantity: number | string): number {
  return (String(quantity).split('.')[1] ?? '').replace(/0+$/, '').length;
}
