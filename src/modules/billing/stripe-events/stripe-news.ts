import { Injectable } from '@nestjs/common';
import { StripeCustomerId, StripeSessionId, StripeSubscriptionId, TenantId } from '../../../contracts/ids';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { OperatorMail } from '../../../platform/operator-mail';
import { BillingGateway } from '../../../stripe/billing-gateway';
import { isThin, NotifiedEvent, toNotifiedEvent, toThinEvent } from '../../../stripe/notified-event';
import { SubscriptionGateway } from '../../../stripe/subscription-gateway';
import { TenantsService } from '../../tenants/tenants.service';
import { CheckoutCompletion } from '../checkout/checkout-completion';
import { InvoiceMirror } from '../payments/invoice-mirror';
import { PaymentNews } from '../payments/payment-news';
import { PaymentStandings } from '../payments/payment-standings';
import { SubscriptionSync } from '../subscriptions/subscription-sync';
import { NewsOf } from './event-handlers';
import { ClaimedEvent } from './stripe-events.repository';

export type Applied =
  { status: 'processed'; tenantId: TenantId | null } | { status: 'ignored'; reason: string };

/** What each kind of news makes us look at. The payload says where to look; what is true is asked for (ADR 4). */
@Injectable()
export class StripeNews {
  private readonly logger = new Logger('stripe-events');
  private readonly readers: Record<
    NewsOf,
    (event: ClaimedEvent, notified: NotifiedEvent) => Promise<Applied>
  > = {
    checkout: (event) => this.checkout(event),
    subscription: (event) => this.subscription(event.objectId as StripeSubscriptionId, event.customerId),
    meter_error: (event) => this.meterError(event),
    schedule: (event) => this.schedule(event),
    invoice: (event) => this.forCustomer(event.customerId, () => this.invoices.sync(event.objectId!)),
    customer: (event) => this.customer(event),
    upcoming_invoice: (event, { object }) =>
      this.forCustomer(event.customerId, () => this.payments.upcoming(event.eventId, object)),
    payment_method: (event, notified) => this.paymentMethod(event, notified),
    refund: (event) =>
      this.forCustomer(event.customerId, () => this.payments.refunded(event.eventId, event.objectId!)),
    dispute: (event, { object }) => this.dispute(event, object),
  };

  constructor(
    private readonly gateway: BillingGateway,
    private readonly subscriptionGateway: SubscriptionGateway,
    private readonly sync: SubscriptionSync,
    private readonly checkouts: CheckoutCompletion,
    private readonly invoices: InvoiceMirror,
    private readonly payments: PaymentNews,
    private readonly standings: PaymentStandings,
    private readonly tenants: TenantsService,
    private readonly operators: OperatorMail,
    private readonly metrics: Metrics,
    private readonly tenantContext: TenantContext,
  ) {}

  /** @throws BillingError stripe_unavailable; UnexpectedStripeShape */
  async apply(news: NewsOf, event: ClaimedEvent): Promise<Applied> {
    const body: unknown = JSON.parse(event.payload.toString('utf8'));
    const notified = isThin(body) ? toThinEvent(body) : toNotifiedEvent(body);
    if (!notified) return { status: 'ignored', reason: 'the payload is no event' };
    return this.readers[news](event, notified);
  }

  private async checkout(event: ClaimedEvent): Promise<Applied> {
    const session = await this.gateway.checkout(event.objectId as StripeSessionId);
    if (!session) return { status: 'ignored', reason: 'Stripe has no such checkout session' };
    return this.forCustomer(session.customerId, async () => {
      await this.checkouts.apply(session);
      return true;
    });
  }

  /** The customer in the payload only says where to look: the sync compares it with what Stripe answers. */
  private async subscription(
    id: StripeSubscriptionId,
    customerId: StripeCustomerId | null,
  ): Promise<Applied> {
    // A thin event does not name the customer.
    const owner = customerId ?? (await this.gateway.subscription(id))?.customerId ?? null;
    return this.forCustomer(owner, async () => {
      const isOurs = await this.sync.sync(id);
      // Whether an unpaid change is a debt depends on the subscription.
      if (isOurs) await this.standings.refresh();
      return isOurs;
    });
  }

  /** Usage that Stripe could not count: told to the operators, who see the event and its meter. */
  private async meterError({ eventId, type, objectId }: ClaimedEvent): Promise<Applied> {
    this.metrics.alarms.inc({ kind: 'stripe_meter_error' });
    this.logger.warn('stripe.meter_error', { event_id: eventId, type });
    await this.operators.tell('Stripe could not count usage', [
      `${type}: ${eventId}`,
      `Meter: ${objectId ?? 'not found'}`,
      `Look at ${eventId} in Stripe for the kinds of errors and samples.`,
    ]);
    return { status: 'processed', tenantId: null };
  }

  private async schedule(event: ClaimedEvent): Promise<Applied> {
    const id = await this.subscriptionGateway.subscriptionOfSchedule(event.objectId!);
    if (!id) return { status: 'ignored', reason: 'Stripe has no subscription for this schedule' };
    return this.subscription(id, event.customerId);
  }

  private customer(event: ClaimedEvent): Promise<Applied> {
    const customerId = event.objectId as StripeCustomerId;
    return this.forCustomer(customerId, () => this.payments.customerChanged(customerId));
  }

  /** After a detachment only `previous_attributes` knows whose it was. */
  private paymentMethod(event: ClaimedEvent, notified: NotifiedEvent): Promise<Applied> {
    const owner = event.customerId ?? (notified.previousCustomerId as StripeCustomerId | null);
    return this.forCustomer(owner, () => this.payments.paymentMethod(event.type, notified.object));
  }

  private async dispute(event: ClaimedEvent, object: Record<string, unknown>): Promise<Applied> {
    const chargeId = typeof object.charge === 'string' ? object.charge : null;
    const charge = chargeId ? await this.payments.charge(chargeId) : null;
    if (!charge) return { status: 'ignored', reason: 'Stripe has no such charge' };
    const isLost = event.type === 'charge.dispute.closed' && object.status === 'lost';
    return this.forCustomer(charge.customerId, () =>
      this.payments.disputed(event.eventId, event.type, charge, isLost),
    );
  }

  /** The tenant is the one that stored this customer; nothing in the event can name another (F-16). */
  private async forCustomer(
    customerId: StripeCustomerId | null,
    apply: () => Promise<boolean>,
  ): Promise<Applied> {
    const tenantId = customerId ? await this.tenants.findByStripeCustomerAcrossTenants(customerId) : null;
    if (!tenantId) return { status: 'ignored', reason: 'the customer belongs to no tenant' };
    const applied = await this.tenantContext.run(tenantId, apply);
    return applied
      ? { status: 'processed', tenantId }
      : { status: 'ignored', reason: 'Stripe has no such object of this customer' };
  }
}
