import { Injectable } from '@nestjs/common';
import { Clock } from '../../../platform/clock';
import { Lifecycle } from '../../../platform/lifecycle';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { ReconciliationGateway } from '../../../stripe/reconciliation-gateway';
import { StripeInbox } from '../stripe-events/stripe-inbox.service';
import { Reconciliations } from './reconciliations';
import { EventReport, StripeReconciliationEntity } from './stripe-reconciliation.entity';
import { SubscriptionReconciler } from './subscription-reconciler';

/** Stripe lists events of 30 days; what is nearly that old may be gone before the walk comes to it (F-20). */
const LISTED_MS = 30 * 86_400_000 - 3_600_000;
/** Events carry whole seconds of several machines' clocks: the walk begins a little before the last one's end. */
const OVERLAP_MS = 10 * 60_000;
/** A delivery under way is not a missed one; a person who asks wants all of it. */
const UNDER_WAY_MS = 60_000;

/** Finds events that never arrived in Stripe's list of events and takes them in as if they had. */
@Injectable()
export class EventHealer {
  private readonly logger = new Logger('event-healer');

  constructor(
    private readonly gateway: ReconciliationGateway,
    private readonly inbox: StripeInbox,
    private readonly runs: Reconciliations,
    private readonly subscriptions: SubscriptionReconciler,
    private readonly lifecycle: Lifecycle,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Walks from where the last walk ended. Before the first one, and after a gap longer than Stripe's memory,
   * the objects themselves are listed, too.
   * @throws BillingError stripe_unavailable; what was taken in until then stays
   */
  async heal(
    trigger: StripeReconciliationEntity['trigger'],
  ): Promise<{ report: EventReport; walkedTo: Date }> {
    const now = this.clock.now().getTime();
    const walkedTo = await this.runs.walkedTo();
    const from = new Date(Math.max((walkedTo?.getTime() ?? 0) - OVERLAP_MS, now - LISTED_MS));
    const to = new Date(trigger === 'scheduled' ? now - UNDER_WAY_MS : now);
    const { listed, missed } = await this.walk(from, trigger === 'scheduled' ? to : null);
    const isGap = walkedTo === null || walkedTo.getTime() < now - LISTED_MS;
    const fullListing = isGap ? await this.subscriptions.reconcileAll() : null;
    const report = {
      from: from.toISOString(),
      to: to.toISOString(),
      listed,
      missed,
      full_listing: fullListing,
    };
    if (missed > 0) this.logger.warn('stripe.events.missed', { listed, missed });
    return { report, walkedTo: to };
  }

  private async walk(from: Date, to: Date | null): Promise<{ listed: number; missed: number }> {
    let listed = 0;
    let missed = 0;
    let after: string | null = null;
    do {
      if (this.lifecycle.isStopping) throw new Error('stopped in the middle of the walk');
      const page = await this.gateway.events(from, to, after);
      for (const { event, payload } of page.rows) {
        const { result } = await this.inbox.take(event, payload, 'healed');
        // What means nothing to us was not missed; it is kept like any other.
        if (result === 'stored') missed += 1;
      }
      listed += page.rows.length;
      after = page.after;
    } while (after !== null);
    this.metrics.stripeDrift.inc({ kind: 'missed_event' }, missed);
    return { listed, missed };
  }
}
