import { Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Database } from '../../../platform/database/database';
import { Cursors } from '../../../platform/http/cursor';
import { toPage } from '../../../platform/http/page.dto';
import { StripeEventEntity } from './stripe-event.entity';
import { ListStripeEventsQueryDto, StripeEventPage, toStripeEventView } from './stripe-events.dto';
import { StripeEventFilter, StripeEventsRepository } from './stripe-events.repository';

const EVENT_ID = /^[A-Za-z0-9_.-]{1,255}$/;

/** What operators see of Stripe's inbox, and the one thing they may do with it. */
@Injectable()
export class StripeEventLog {
  constructor(
    private readonly events: StripeEventsRepository,
    private readonly database: Database,
    private readonly audit: AuditRecorder,
    private readonly cursors: Cursors,
  ) {}

  /** @throws BillingError invalid_cursor */
  async list(query: ListStripeEventsQueryDto): Promise<StripeEventPage> {
    const { limit, cursor } = query;
    const filter = filterOf(query);
    const list = `stripe-events?${JSON.stringify(filter)}`;
    const position = cursor === undefined ? null : this.cursors.decode(list, cursor);
    const after = position && { receivedAt: new Date(position[0]!), eventId: String(position[1]) };
    const rows = await this.events.pageAcrossTenants(filter, after, limit + 1);
    return toPage(rows, limit, toStripeEventView, ({ receivedAt, eventId }) =>
      this.cursors.encode(list, [receivedAt.toISOString(), eventId]),
    );
  }

  /** @throws BillingError not_found */
  async get(id: string): Promise<StripeEventEntity> {
    const event = EVENT_ID.test(id) ? await this.events.findAcrossTenants(id) : null;
    if (!event) throw new BillingError('not_found');
    return event;
  }

  /**
   * Puts an event that is dead or was ignored back into the queue; the sweep finds it within seconds.
   * @throws BillingError not_found; state_conflict for one that waits or is processed
   */
  async retry(id: string): Promise<StripeEventEntity> {
    const before = await this.get(id);
    return this.database.acrossTenants(async () => {
      if (!(await this.events.reviveAcrossTenants(id)))
        throw new BillingError('state_conflict', {
          detail: 'Only events that are dead or were ignored can be tried again.',
        });
      await this.audit.record({
        action: 'STRIPE_EVENT_RETRIED',
        targetType: 'stripe_event',
        targetId: id,
        before: { status: before.status, error: before.error },
        after: { status: 'pending' },
      });
      return this.get(id);
    });
  }
}

function filterOf({ status, type, tenant_id, from, to }: ListStripeEventsQueryDto): StripeEventFilter {
  return {
    status,
    type,
    tenantId: tenant_id?.toLowerCase(),
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  };
}
