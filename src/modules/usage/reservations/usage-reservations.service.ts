import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import { isUuid, TenantId } from '../../../contracts/ids';
import type { EffectiveLimit } from '../../../domain/limit';
import { placeUsage } from '../../../domain/usage-period';
import { Amount, usageStanding, UsageStanding } from '../../../domain/usage-standing';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { uuidV7 } from '../../../platform/crypto';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Logger } from '../../../platform/logger';
import { EntitlementsMemory, HeldEntitlements, limitHeld } from '../../entitlements/entitlements-memory';
import { EntitlementsService } from '../../entitlements/entitlements.service';
import { MetersMemory } from '../../pricing/meters-memory';
import type { Meter } from '../../pricing/meters.service';
import { ChangedCounter, CounterChanges } from '../ledger/counter-changes';
import { CounterNumbers } from '../cache/redis-usage.service';
import { isSameQuantity, refuseCommit, refuseReservation } from './reservation-rules';
import { UsageCountersRepository } from '../ledger/usage-counters.repository';
import { reservationEventId } from '../ledger/usage-event.entity';
import { HeldCounter, HoldOutcome, UsageHoldsRepository } from './usage-holds.repository';
import { UsageEventsRepository } from '../ledger/usage-events.repository';
import { UsageRefusals } from '../recording/usage-refusal';
import { ReservationStatus } from './usage-reservation.entity';
import { Reservation, ReservationFilter, UsageReservationsRepository } from './usage-reservations.repository';

export const DEFAULT_TTL_SECONDS = 900;

/** Capacity that somebody wants to be sure of before the work begins. */
export interface ReservationRequest {
  /** Makes the call repeatable: the same id again answers what is there. Ours when left out. */
  readonly id?: string;
  readonly metric: string;
  /** Above 0, as `readQuantity` gives it. */
  readonly quantity: Amount;
  readonly subject: string | null;
  readonly ttlSeconds: number;
}

/** A reservation, and where its counter stands with it. */
export interface ReservationResult {
  readonly reservation: Reservation;
  readonly standing: UsageStanding;
}

/** Entitlements that change at each of these are changed by somebody's loop. */
const MOST_ATTEMPTS = 5;
/** How many expired reservations one transaction settles. */
const MOST_EXPIRED_AT_ONCE = 500;

type NotHeldBecause = Exclude<HoldOutcome, { kind: 'held' }> | { readonly kind: 'stale' | 'known' };

/** Undoes the transaction that could not hold anything. */
class NotHeld extends Error {
  constructor(readonly outcome: NotHeldBecause) {
    super(outcome.kind);
  }
}

/** Where a reservation goes, and the limit that holds there. */
interface Place {
  readonly counter: HeldCounter;
  readonly limit: EffectiveLimit;
}

/**
 * Holds capacity before work is done, and settles it afterwards: by counting what the work took, by giving it
 * back, or when its time is over. Each step commits by itself, whatever becomes of a transaction around it.
 * Locks are taken in the order of the ledger: reservation, event, counters.
 */
@Injectable()
export class UsageReservations {
  private readonly logger = new Logger('usage');

  constructor(
    private readonly reservations: UsageReservationsRepository,
    private readonly holds: UsageHoldsRepository,
    private readonly counters: UsageCountersRepository,
    private readonly events: UsageEventsRepository,
    private readonly meters: MetersMemory,
    private readonly entitlements: EntitlementsMemory,
    private readonly entitlementsService: EntitlementsService,
    private readonly changes: CounterChanges,
    private readonly refusals: UsageRefusals,
    private readonly context: TenantContext,
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Holds capacity of the tenant in the context; used and reserved together never pass the grace limit.
   * @throws BillingError unknown_meter, unprocessable (not additive), validation_failed, LimitExceededException,
   *   payment_required, overloaded
   */
  async reserve(request: ReservationRequest): Promise<ReservationResult> {
    const { tenantId } = this.context;
    const meter = refuseReservation(await this.meters.find(request.metric), request.quantity);
    const id = request.id ?? uuidV7(this.clock.realNow().getTime());
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      const held = await this.entitlements.of(tenantId);
      const place = this.placeOf(meter, held);
      const outcome = await this.hold(id, request, place, held.row.version);
      if (outcome.kind === 'held') return outcome.result;
      if (outcome.kind === 'known') return this.find(id);
      if (outcome.kind !== 'full') this.entitlements.forget(tenantId);
      // What nobody can commit any more must not keep others out until the job comes by.
      else if (outcome.holdsExpired) await this.expireDue(meter.key);
      else throw await this.refusal(request, place, outcome.numbers, held);
    }
    throw new BillingError('overloaded', { retryAfter: 1 });
  }

  /**
   * Counts what the work took, in the reservation's own period, and gives back the rest. Again with the same
   * quantity: the same answer.
   * @param quantity what was held when null; not more
   * @param keyId the key that says so
   * @throws BillingError not_found, unprocessable (more than held), state_conflict (released, expired, or
   *   committed with another quantity)
   */
  async commit(id: string, quantity: Amount | null, keyId: string | null): Promise<ReservationResult> {
    const now = this.clock.now();
    const { settled, changed } = await this.change(id, async (reservation) => {
      if (statusAt(reservation, now) !== 'held') return null;
      const wanted = quantity === null ? reservation.quantity : String(quantity);
      refuseCommit(await this.meters.find(reservation.metricName), wanted, reservation.quantity);
      const eventId = reservationEventId(reservation.id);
      await this.events.addReserved(reservation, eventId, wanted, now, keyId);
      return {
        end: { status: 'committed', committedQuantity: wanted, eventId, settledAt: now },
        counted: wanted,
      };
    });
    if (!changed) await this.refuseLateCommit(settled, quantity, now);
    return this.result(settled, changed);
  }

  /**
   * Gives the capacity back. One that was released or has expired stays as it is.
   * @throws BillingError not_found, state_conflict (committed)
   */
  async release(id: string): Promise<ReservationResult> {
    const now = this.clock.now();
    const { settled, changed } = await this.change(id, async (reservation) => {
      if (reservation.status !== 'held') return null;
      const status = isOver(reservation, now) ? 'expired' : 'released';
      return { end: { status, committedQuantity: null, eventId: null, settledAt: now }, counted: '0' };
    });
    if (settled.status === 'committed')
      throw new BillingError('state_conflict', {
        detail: 'The reservation was committed. Correct its event instead.',
      });
    return this.result(settled, changed);
  }

  /** @throws BillingError not_found */
  async find(id: string): Promise<ReservationResult> {
    return this.result(await this.existing(id, (known) => this.reservations.get(known)), null);
  }

  /** Newest first, one more than asked so that the page knows whether it is the last. */
  page(
    filter: ReservationFilter,
    after: { createdAt: string; id: string } | null,
    limit: number,
  ): Promise<Reservation[]> {
    return this.reservations.page(filter, after, limit, this.clock.now());
  }

  /**
   * Settles held reservations whose time is over; for the job. What one tenant's rows refuse keeps none of the
   * others from it.
   * @param limit how many at most
   * @returns how many have expired
   * @throws the first failure, after all tenants were tried
   */
  async expireDueAcrossTenants(now: Date, limit: number): Promise<number> {
    let expired = 0;
    let failure: unknown = null;
    for (const tenantId of await this.reservations.dueTenantsAcrossTenants(now, limit)) {
      const left = Math.min(limit - expired, MOST_EXPIRED_AT_ONCE);
      if (left <= 0) break;
      try {
        expired += await this.context.run(tenantId, () => this.expireDue(null, now, left));
      } catch (error) {
        failure ??= error;
        this.logger.warn('usage.reservations_not_expired', { message: String(error) });
      }
    }
    if (failure !== null) throw failure;
    return expired;
  }

  /** Settles expired reservations of the tenant in the context. @returns how many */
  private async expireDue(
    metric: string | null,
    now = this.clock.now(),
    limit = MOST_EXPIRED_AT_ONCE,
  ): Promise<number> {
    const { changed, generation, expired } = await this.database.inNewTransaction(async () => {
      const givenBack = await this.reservations.expireDue(now, metric, limit);
      if (givenBack.length === 0) return { changed: [], generation: '', expired: 0 };
      const joined = await this.counters.joinGeneration();
      const counters: ChangedCounter[] = [];
      for (const { metric_name, period_start, quantity } of givenBack) {
        const name = { metric: metric_name, periodStart: period_start };
        const numbers = await this.holds.settle(name, quantity, '0', now);
        counters.push({ counter: { ...name, periodEnd: numbers.period_end }, numbers });
      }
      const many = givenBack.reduce((sum, { reservations }) => sum + reservations, 0);
      return { changed: counters, generation: joined, expired: many };
    });
    if (expired > 0) await this.changes.tell(changed, generation);
    return expired;
  }

  private placeOf(meter: Meter, held: HeldEntitlements): Place {
    const now = this.clock.now();
    const placement = placeUsage(null, now, held.current.period, held.current.anchor, meter);
    // Usage of now is never late, early or old.
    if (placement.kind !== 'counts') throw new Error(`usage of now is ${placement.kind}`);
    return {
      counter: {
        metric: meter.key,
        periodStart: placement.periodStart,
        periodEnd: placement.periodEnd,
      },
      limit: limitHeld(held, meter.key, now, this.config.usage.gracePercent),
    };
  }

  private async hold(
    id: string,
    { metric, quantity, subject, ttlSeconds }: ReservationRequest,
    { counter, limit }: Place,
    version: number | null,
  ): Promise<NotHeldBecause | { kind: 'held'; result: ReservationResult }> {
    const now = this.clock.now();
    const reservation = {
      id,
      metricName: metric,
      periodStart: counter.periodStart,
      quantity: String(quantity),
      subject,
      expiresAt: new Date(now.getTime() + ttlSeconds * 1000),
      createdAt: now,
    };
    try {
      const { numbers, generation } = await this.database.inNewTransaction(async () => {
        if (!(await this.reservations.addIfNew(reservation))) throw new NotHeld({ kind: 'known' });
        const generation = await this.counters.joinGeneration();
        // The limit was remembered; the ledger refuses an outdated one too.
        if ((await this.entitlementsService.version()) !== version) throw new NotHeld({ kind: 'stale' });
        const outcome = await this.holds.hold(counter, String(quantity), limit.grace_limit, now);
        if (outcome.kind !== 'held') throw new NotHeld(outcome);
        return { numbers: outcome.numbers, generation };
      });
      await this.changes.tell([{ counter, numbers }], generation);
      const standing = usageStanding(limit, numbers.used, numbers.reserved);
      return { kind: 'held', result: { reservation: newborn(reservation, this.context.tenantId), standing } };
    } catch (error) {
      if (error instanceof NotHeld) return error.outcome;
      throw error;
    }
  }

  /**
   * Ends a reservation under its lock.
   * @param decide how it ends; null leaves it as it is
   */
  private async change(
    id: string,
    decide: (reservation: Reservation) => Promise<Ending | null>,
  ): Promise<{ settled: Reservation; changed: ChangedCounter | null }> {
    const { settled, changed, generation } = await this.database.inNewTransaction(async () => {
      const reservation = await this.existing(id, (known) => this.reservations.lock(known));
      const ending = await decide(reservation);
      if (ending === null) return { settled: reservation, changed: null, generation: '' };
      const joined = await this.counters.joinGeneration();
      const name = { metric: reservation.metricName, periodStart: reservation.periodStart };
      const numbers = await this.holds.settle(
        name,
        reservation.quantity,
        ending.counted,
        ending.end.settledAt!,
      );
      await this.reservations.settle(reservation, ending.end);
      return {
        settled: { ...reservation, ...ending.end },
        changed: { counter: { ...name, periodEnd: numbers.period_end }, numbers },
        generation: joined,
      };
    });
    if (changed) await this.changes.tell([changed], generation);
    return { settled, changed };
  }

  private async existing(
    id: string,
    read: (id: string) => Promise<Reservation | null>,
  ): Promise<Reservation> {
    const reservation = isUuid(id) ? await read(id.toLowerCase()) : null;
    if (!reservation) throw new BillingError('not_found');
    return reservation;
  }

  /** A commit of what is settled already passes only when it is the same one again. */
  private async refuseLateCommit(
    reservation: Reservation,
    quantity: Amount | null,
    now: Date,
  ): Promise<void> {
    const status = statusAt(reservation, now);
    if (status !== 'committed') {
      // An expired one is settled on the way.
      if (reservation.status === 'held') await this.release(reservation.id);
      throw new BillingError('state_conflict', { detail: `The reservation is ${status}.` });
    }
    const wanted = quantity === null ? reservation.quantity : String(quantity);
    if (!isSameQuantity(wanted, reservation.committedQuantity!))
      throw new BillingError('state_conflict', { detail: 'It was committed with another quantity.' });
  }

  private async result(reservation: Reservation, changed: ChangedCounter | null): Promise<ReservationResult> {
    const { metricName: metric, periodStart } = reservation;
    const numbers = changed?.numbers ?? (await this.holds.read({ metric, periodStart }));
    const held = await this.entitlements.of(this.context.tenantId);
    const limit = limitHeld(held, metric, this.clock.now(), this.config.usage.gracePercent);
    return { reservation, standing: usageStanding(limit, numbers.used, numbers.reserved) };
  }

  private async refusal(
    { metric, quantity }: ReservationRequest,
    { counter, limit }: Place,
    { used, reserved }: Pick<CounterNumbers, 'used' | 'reserved'>,
    held: HeldEntitlements,
  ): Promise<BillingError> {
    const isUnpaid = limit.source === 'none' && held.current.source === 'none';
    const { tenantId } = this.context;
    const { current_usage, reserved: all } = usageStanding(limit, used, reserved);
    return this.refusals.errorFor(
      tenantId,
      {
        metric,
        current_usage,
        reserved: all,
        limit: limit.limit,
        grace_limit: limit.grace_limit,
        resets_at: counter.periodEnd,
        problem: isUnpaid ? 'payment_required' : 'limit_exceeded',
      },
      quantity,
    );
  }
}

interface Ending {
  readonly end: Pick<Reservation, 'status' | 'committedQuantity' | 'eventId' | 'settledAt'>;
  /** What the counter goes up by. */
  readonly counted: string;
}

/** The status at a moment: a held reservation expires by time, not by a job. */
export function statusAt(reservation: Reservation, now: Date): ReservationStatus {
  return reservation.status === 'held' && isOver(reservation, now) ? 'expired' : reservation.status;
}

function isOver({ expiresAt }: Pick<Reservation, 'expiresAt'>, now: Date): boolean {
  return expiresAt.getTime() <= now.getTime();
}

function newborn(
  reservation: Pick<
    Reservation,
    'id' | 'metricName' | 'periodStart' | 'quantity' | 'subject' | 'expiresAt' | 'createdAt'
  >,
  tenantId: TenantId,
): Reservation {
  return {
    ...reservation,
    tenantId,
    status: 'held',
    committedQuantity: null,
    eventId: null,
    settledAt: null,
  };
}
