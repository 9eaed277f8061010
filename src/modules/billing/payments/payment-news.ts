import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { AuditAction } from '../../../contracts/audit';
import type { EventType } from '../../../contracts/events';
import type { StripeCustomerId, StripeEventId } from '../../../contracts/ids';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Metrics } from '../../../platform/metrics';
import { OperatorMail } from '../../../platform/operator-mail';
import { Outbox } from '../../../platform/outbox/outbox';
import type { ChargeSnapshot } from '../../../stripe/payments-gateway';
import { PaymentsGateway } from '../../../stripe/payments-gateway';
import { TenantsService } from '../../tenants/tenants.service';
import { StripeOperations } from '../../../stripe/operations/stripe-operations';
import { BillingsRepository } from '../subscriptions/billings.repository';
import { SubscriptionSync } from '../subscriptions/subscription-sync';
import { InvoicesRepository } from './invoices.repository';
import { PaymentStandings } from './payment-standings';

/** What Stripe tells about money beside invoices: ways to pay, invoices to come, refunds, disputes, lost customers. */
@Injectable()
export class PaymentNews {
  constructor(
    private readonly payments: PaymentsGateway,
    private readonly invoices: InvoicesRepository,
    private readonly billings: BillingsRepository,
    private readonly sync: SubscriptionSync,
    private readonly standings: PaymentStandings,
    private readonly operations: StripeOperations,
    private readonly tenants: TenantsService,
    private readonly operators: OperatorMail,
    private readonly outbox: Outbox,
    private readonly audit: AuditRecorder,
    private readonly metrics: Metrics,
  ) {}

  /** An invoice is to come in some days; it has no id yet, so the payload is all there is. */
  @Transactional()
  async upcoming(eventId: StripeEventId, invoice: Record<string, unknown>): Promise<boolean> {
    const live = await this.billings.live();
    if (!live?.stripeSubscriptionId) return false;
    await this.outbox.record({
      type: 'invoice.upcoming',
      aggregateType: 'subscription',
      aggregateId: live.id,
      data: {
        subscription_id: live.id,
        stripe_event_id: eventId,
        amount_due: wholeOrNull(invoice.amount_due),
        currency: textOrNull(invoice.currency),
        due_at: momentOrNull(invoice.next_payment_attempt ?? invoice.period_end),
      },
    });
    return true;
  }

  /** A way to pay came, went or changed: the tenant is told of the first two. */
  async paymentMethod(type: string, object: Record<string, unknown>): Promise<boolean> {
    if (type === 'payment_method.updated') return true;
    const card =
      typeof object.card === 'object' && object.card !== null ? (object.card as Record<string, unknown>) : {};
    const { stripeCustomerId, id } = await this.tenants.current();
    const left = stripeCustomerId ? (await this.payments.methods(stripeCustomerId)).length : 0;
    await this.tell(type as Extract<EventType, `payment_method.${string}`>, id, {
      id: textOrNull(object.id),
      type: textOrNull(object.type),
      brand: textOrNull(card.brand),
      last4: textOrNull(card.last4),
      payment_methods_left: left,
    });
    return true;
  }

  /** A customer deleted in Stripe took its subscriptions along; the tenant gets a new one when it next buys. */
  async customerChanged(customerId: StripeCustomerId): Promise<boolean> {
    if (await this.payments.hasCustomer(customerId)) return true;
    for (const row of await this.billings.fromStripe())
      if (row.stripeSubscriptionId && row.endedAt === null) await this.sync.sync(row.stripeSubscriptionId);
    await this.forgetCustomer(customerId);
    this.metrics.alarms.inc({ kind: 'stripe_customer_deleted' });
    await this.operators.tell('A customer was deleted in Stripe', [`Customer: ${customerId}`]);
    return true;
  }

  async refunded(eventId: StripeEventId, chargeId: string): Promise<boolean> {
    const charge = await this.payments.charge(chargeId);
    if (!charge) return false;
    await this.recordMoney('CHARGE_REFUNDED', eventId, charge);
    await this.operators.tell('A charge was refunded', linesOf(charge));
    return true;
  }

  /** @param isLost the bank has decided for the payer: the money is gone, and so is the standing */
  async disputed(
    eventId: StripeEventId,
    type: string,
    charge: ChargeSnapshot,
    isLost: boolean,
  ): Promise<boolean> {
    await this.recordMoney('CHARGE_DISPUTED', eventId, charge);
    if (isLost) await this.markLost(await this.payments.invoiceOfCharge(charge.id));
    if (type === 'charge.dispute.created' || isLost)
      await this.operators.tell(isLost ? 'A dispute was lost' : 'A charge is disputed', linesOf(charge));
    return true;
  }

  charge(id: string): Promise<ChargeSnapshot | null> {
    return this.payments.charge(id);
  }

  @Transactional()
  protected async markLost(stripeInvoiceId: string | null): Promise<void> {
    await this.tenants.lockCurrent();
    const row = stripeInvoiceId ? await this.invoices.byStripeId(stripeInvoiceId) : null;
    if (!row) return;
    await this.invoices.markDisputeLost(row.id);
    await this.standings.refresh();
  }

  @Transactional()
  protected async forgetCustomer(customerId: StripeCustomerId): Promise<void> {
    await this.tenants.forgetStripeCustomer(customerId);
    await this.operations.forget('customer');
  }

  @Transactional()
  protected async recordMoney(
    action: AuditAction,
    eventId: StripeEventId,
    charge: ChargeSnapshot,
  ): Promise<void> {
    await this.audit.record({
      action,
      targetType: 'charge',
      targetId: charge.id,
      after: {
        stripe_event_id: eventId,
        amount: charge.amount,
        amount_refunded: charge.amountRefunded,
        currency: charge.currency,
      },
    });
    this.metrics.alarms.inc({ kind: action.toLowerCase() });
  }

  @Transactional()
  protected async tell(type: EventType, aggregateId: string, data: Record<string, unknown>): Promise<void> {
    await this.outbox.record({ type, aggregateType: 'tenant', aggregateId, data });
  }
}

function linesOf(charge: ChargeSnapshot): string[] {
  return [
    `Charge: ${charge.id}`,
    `Customer: ${charge.customerId ?? 'none'}`,
    `Amount: ${charge.amount} ${charge.currency} (minor units), refunded ${charge.amountRefunded}`,
  ];
}

function wholeOrNull(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value.length <= 200 ? value : null;
}

function momentOrNull(value: unknown): string | null {
  const seconds = wholeOrNull(value);
  return seconds !== null && seconds > 0 && seconds < 7_258_118_400
    ? new Date(seconds * 1000).toISOString()
    : null;
}
