import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { isUuid } from '../../contracts/ids';
import { Clock } from '../../platform/clock';
import { sha256 } from '../../platform/crypto';
import { TenantContext } from '../../platform/database/tenant-context';
import { Logger } from '../../platform/logger';
import { Metrics } from '../../platform/metrics';
import { RequestContext } from '../../platform/request-context';
import { reservationWarning } from '../usage/recording/limit-warning';
import { UsageRefusals } from '../usage/recording/usage-refusal';
import {
  DEFAULT_TTL_SECONDS,
  ReservationResult,
  statusAt,
  UsageReservations,
} from '../usage/reservations/usage-reservations.service';
import { UsageTracker } from '../usage/recording/usage-tracker.service';
import type { TrackedUsage } from './requirement-keys';

/** What the work came to. */
interface Done<T> {
  readonly value: T;
  /** False: it ended without an exception, but came to nothing. */
  readonly isSuccess: boolean;
}

/** How often one idempotent request may have failed and been begun anew. */
const MOST_ATTEMPTS = 100;

/** Work that uses something of the tenant in the context: capacity is held first, and counted when it succeeded. */
@Injectable()
export class TrackedWork {
  private readonly logger = new Logger('limits');

  constructor(
    private readonly reservations: UsageReservations,
    private readonly tracker: UsageTracker,
    private readonly refusals: UsageRefusals,
    private readonly tenantContext: TenantContext,
    private readonly requestContext: RequestContext,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
  ) {}

  /**
   * Runs the work and counts for it. A failure gives the capacity back and rises as it is; a process that dies in
   * between gives it back when the reservation expires.
   * @param warn told when usage is in the grace
   * @throws LimitExceededException before the work begins; what the work throws; BillingError
   *   dependency_unavailable when the work was done and could not be counted: under an Idempotency-Key the same
   *   request finds its reservation again and counts once
   */
  async track<T>(
    usage: TrackedUsage,
    work: () => Promise<Done<T>>,
    warn: (warning: string) => void,
  ): Promise<T> {
    return usage.count > 0 ? this.use(usage, work, warn) : this.giveBack(usage, work);
  }

  private async use<T>(
    usage: TrackedUsage,
    work: () => Promise<Done<T>>,
    warn: (warning: string) => void,
  ): Promise<T> {
    const { reservation, standing } = await this.hold(usage);
    const done = await work().catch(async (error: unknown) => {
      await this.release(reservation.id);
      throw error;
    });
    if (!done.isSuccess) {
      await this.release(reservation.id);
      return done.value;
    }
    await this.reservations.commit(reservation.id, null, this.keyId);
    const warning = reservationWarning(usage.metric, standing);
    if (warning !== null) warn(warning);
    return done.value;
  }

  /** The reservation of this request: after a crash the one it had before, unless that has come to nothing. */
  private async hold({ metric, count }: TrackedUsage): Promise<ReservationResult> {
    const { operationId } = this.requestContext;
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const id = operationId === null ? randomUUID() : nameOf(`${operationId} ${metric} ${attempt}`);
      const result = await this.reservations.reserve({
        id,
        metric,
        quantity: count,
        subject: null,
        ttlSeconds: DEFAULT_TTL_SECONDS,
      });
      const status = statusAt(result.reservation, this.clock.now());
      if (status === 'held' || status === 'committed') return result;
    }
    throw new Error('an idempotent request was begun too often');
  }

  private async release(id: string): Promise<void> {
    try {
      await this.reservations.release(id);
    } catch (error) {
      // It expires by itself; why the work failed is what the caller must hear.
      this.logger.warn('limits.release_failed', { message: String(error) });
    }
  }

  private async giveBack<T>({ metric, count }: TrackedUsage, work: () => Promise<Done<T>>): Promise<T> {
    const done = await work();
    if (!done.isSuccess) return done.value;
    const { tenantId } = this.tenantContext;
    const { operationId } = this.requestContext;
    const event = {
      event_id: operationId === null ? randomUUID() : nameOf(`${operationId} ${metric}`),
      metric,
      quantity: -count,
      timestamp: null,
      subject: null,
      metadata: null,
      isDecrement: true,
    };
    const [result] = await this.tracker.record(tenantId, [event], this.keyId);
    // The counter was below what really was there. The deed is done, and its caller cannot mend it.
    if (result!.problem === 'below_zero') {
      this.metrics.alarms.inc({ kind: 'usage_below_zero' });
      this.logger.warn('limits.below_zero', { metric });
    } else if (result!.problem !== null)
      throw await this.refusals.errorFor(tenantId, result!, event.quantity);
    return done.value;
  }

  private get keyId(): string | null {
    const { id } = this.requestContext.actor;
    return isUuid(id) ? id : null;
  }
}

/** A UUID (version 8: of our own making) that is the same for the same text. */
function nameOf(text: string): string {
  const bytes = sha256(`tracked usage\n${text}`).subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
