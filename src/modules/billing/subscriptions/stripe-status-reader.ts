import { Injectable } from '@nestjs/common';
import { StripeSubscriptionId } from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { BillingGateway } from '../../../stripe/billing-gateway';
import { BillingEntity } from './billing.entity';
import { StripeStatusView } from './subscription.dto';

/** A reader would rather have our answer now than Stripe's later. */
const BUDGET_MS = 1500;
const FRESH_MS = 10_000;
const MOST_REMEMBERED = 10_000;

/** What Stripe says of a subscription right now, remembered for a moment; the last known when it is away. */
@Injectable()
export class StripeStatusReader {
  private readonly remembered = new Map<StripeSubscriptionId, { status: string; asOf: Date; at: number }>();

  constructor(
    private readonly gateway: BillingGateway,
    private readonly clock: Clock,
  ) {}

  async read(row: BillingEntity | null): Promise<StripeStatusView> {
    if (!row?.stripeSubscriptionId) return { status: null, as_of: null, stale: false };
    const { stripeSubscriptionId: id, stripeStatus, syncedAt } = row;
    const known = this.remembered.get(id);
    // News that came by webhook after we asked beats what we remember.
    if (known && this.clock.monotonicMs() - known.at < FRESH_MS && (!syncedAt || known.asOf >= syncedAt))
      return { status: known.status, as_of: known.asOf.toISOString(), stale: false };
    try {
      const snapshot = await this.gateway.subscription(id, BUDGET_MS);
      if (!snapshot) return { status: stripeStatus, as_of: syncedAt?.toISOString() ?? null, stale: true };
      return this.remember(id, snapshot.stripeStatus);
    } catch {
      return { status: stripeStatus, as_of: syncedAt?.toISOString() ?? null, stale: true };
    }
  }

  private remember(id: StripeSubscriptionId, status: string): StripeStatusView {
    if (this.remembered.size >= MOST_REMEMBERED) this.remembered.clear();
    const asOf = this.clock.now();
    this.remembered.set(id, { status, asOf, at: this.clock.monotonicMs() });
    return { status, as_of: asOf.toISOString(), stale: false };
  }
}
