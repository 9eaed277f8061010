import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { BillingError } from '../../../contracts/errors';
import { PlanId, StripePriceId, StripeSubscriptionId } from '../../../contracts/ids';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { ItemsRequest, SubscriptionGateway } from '../../../stripe/subscription-gateway';
import { PaymentsGateway } from '../../../stripe/payments-gateway';
import { Plan } from '../../plans/plan';
import { TenantsService } from '../../tenants/tenants.service';
import { checkoutMetadata } from '../checkout/checkout-items';
import { CheckoutService } from '../checkout/checkout.service';
import { CustomersService } from '../checkout/customers.service';
import { StripeOperations } from '../../../stripe/operations/stripe-operations';
import { InvoiceMirror } from '../payments/invoice-mirror';
import { BillingEntity } from '../subscriptions/billing.entity';
import { BillingsRepository } from '../subscriptions/billings.repository';
import { SubscriptionChanges } from '../subscriptions/subscription-changes';
import { SubscriptionSync } from '../subscriptions/subscription-sync';
import { SubscriptionsService } from '../subscriptions/subscriptions.service';
import { ChangePlanner, conflict } from './change-planner';
import type { ChangeWish, PlannedChange } from './change-planner';
import { asRefusal, isPaymentFailure, PendingPayment } from './pending-payment';
import { ScheduledChangesRepository } from './scheduled-changes.repository';
import { SubscriptionTurns } from './subscription-turns.repository';

/** Changes of plan and quantity: up at once and paid, down at the period's end or at once. */
@Injectable()
export class PlanChanger {
  constructor(
    private readonly planner: ChangePlanner,
    private readonly turns: SubscriptionTurns,
    private readonly operations: StripeOperations,
    private readonly gateway: SubscriptionGateway,
    private readonly payments: PaymentsGateway,
    private readonly pendingPayment: PendingPayment,
    private readonly invoices: InvoiceMirror,
    private readonly customers: CustomersService,
    private readonly checkout: CheckoutService,
    private readonly subscriptions: SubscriptionsService,
    private readonly sync: SubscriptionSync,
    private readonly billings: BillingsRepository,
    private readonly scheduled: ScheduledChangesRepository,
    private readonly changes: SubscriptionChanges,
    private readonly tenants: TenantsService,
    private readonly audit: AuditRecorder,
  ) {}

  /**
   * Changes to a plan that costs more (or another interval) and charges the difference now. Asking again for what
   * is there already charges nothing. Without a subscription one is started on the default payment method.
   * @throws BillingError payment_action_required; plan_not_found, plan_not_purchasable, state_conflict,
   *   unprocessable, stripe_unavailable
   */
  upgrade(wish: Omit<ChangeWish, 'effective'>): Promise<void> {
    return this.turns.take(async () => {
      if (!(await this.planner.running()))
        return this.start(await this.planner.target(wish.planId), wish.quantity ?? 1);
      const planned = await this.planner.plan('upgrade', { ...wish, effective: 'now' });
      if (planned.to.amount === 0 || planned.quote.direction === 'downgrade')
        throw conflict('not_an_upgrade', 'This plan costs less. Use the downgrade route.');
      if (isThere(planned)) return;
      await this.dropWaiting(planned.row, planned.editable.snapshot.scheduleId);
      await this.changeNow(planned, 'upgrade');
    });
  }

  /**
   * Changes to a plan that costs less, when its limits hold what is used.
   * @throws BillingError usage_exceeds_plan, plan_not_found, plan_not_purchasable, state_conflict, unprocessable,
   *   stripe_unavailable
   */
  downgrade(wish: ChangeWish): Promise<void> {
    return this.turns.take(async () => {
      const planned = await this.planner.plan(await this.downgradeAction(wish), wish);
      if (planned.to.id === planned.from.id || planned.quote.direction === 'upgrade')
        throw conflict(
          'not_a_downgrade',
          'This plan does not cost less. Use the upgrade or the quantity route.',
        );
      if (planned.excess.length > 0)
        throw new BillingError('usage_exceeds_plan', { extra: { exceeded_limits: planned.excess } });
      if (wish.appliesAt) return this.scheduleFor(planned, wish.appliesAt);
      if (planned.to.amount === 0) return this.goDownToFree(planned, wish.effective);
      if (wish.effective === 'now') return this.changeNow(planned, 'downgrade');
      return this.scheduleChange(planned);
    });
  }

  /**
   * An end that is set already makes room for a free plan, too: it may have been set for just that, by a process
   * that died before it could write so down. Then the rule is the one for ending subscriptions.
   */
  private async downgradeAction({ planId }: ChangeWish): Promise<'downgrade' | 'reactivate'> {
    const row = await this.planner.running();
    const isEnding = row !== null && row.cancelAtPeriodEnd && row.pendingPlanId === null;
    return isEnding && (await this.planner.target(planId)).amount === 0 ? 'reactivate' : 'downgrade';
  }

  /** Carries out a change whose day has come. Asked for again after a crash, it finds itself done. */
  carryOut(planId: string, quantity: number): Promise<void> {
    return this.turns.take(async () => {
      const planned = await this.planner.plan('upgrade', { planId, quantity, effective: 'now' });
      if (isThere(planned)) return;
      if (planned.quote.direction === 'downgrade' && planned.excess.length > 0)
        throw new BillingError('usage_exceeds_plan', { extra: { exceeded_limits: planned.excess } });
      await this.changeNow(planned, 'scheduled');
    });
  }

  /** A change that waits and cannot be carried out any more waits no more, and that is told. */
  giveUp(): Promise<void> {
    return this.turns.take(async () => {
      const row = await this.planner.running();
      if (row?.pendingPlanId) await this.forget(row);
    });
  }

  /** Takes back a change that waits: its schedule is released, or the end is taken back. */
  cancelDowngrade(): Promise<void> {
    return this.turns.take(async () => {
      const row = await this.planner.allowed('cancel_downgrade');
      await this.dropWaiting(row, row.stripeScheduleId);
      await this.sync.sync(row.stripeSubscriptionId);
    });
  }

  /**
   * Sets the number of pieces, or adds to it; more are charged at once, fewer are credited. One change of a
   * subscription at a time, so that no addition is lost.
   */
  changeQuantity(change: { quantity: number } | { add: number }): Promise<void> {
    return this.turns.take(async () => {
      const row = await this.planner.allowed('change_quantity');
      const quantity = 'quantity' in change ? change.quantity : row.quantity + change.add;
      if (quantity < 1 || quantity > 100_000)
        throw new BillingError('unprocessable', { detail: 'The quantity would leave 1 to 100000.' });
      const planned = await this.planner.plan('change_quantity', {
        planId: row.planId ?? '',
        quantity,
        effective: 'now',
      });
      if (isThere(planned)) return;
      await this.changeNow(planned, 'quantity');
    });
  }

  /** Changes lines of the subscription; charged at once like any other change. */
  async changeLines(row: BillingEntity, name: string, request: ItemsRequest): Promise<void> {
    await this.tellStripe(row, name, request, (persisted, key) => this.gateway.changeItems(persisted, key));
    await this.sync.sync(request.subscriptionId);
    const now = await this.gateway.editable(request.subscriptionId);
    // Who reads the invoices right after the answer finds the one of this change.
    if (now?.latestInvoiceId) await this.invoices.sync(now.latestInvoiceId);
    if (now?.hasPendingUpdate) throw await this.pendingPayment.of(now);
  }

  private async changeNow(planned: PlannedChange, name: string): Promise<void> {
    const { editable, row, request } = planned;
    if (editable.hasPendingUpdate) throw await this.pendingPayment.of(editable);
    await this.requested(row, name, { plan_id: planned.to.id, quantity: planned.quantity });
    // The latest invoice tells a new attempt from the one before, whose payment was given up.
    await this.changeLines(
      row,
      `${name}:${planned.to.id}:${planned.quantity}:${editable.latestInvoiceId ?? ''}`,
      request,
    );
  }

  private async start(plan: Plan, quantity: number): Promise<void> {
    if (plan.amount === 0) throw conflict('not_an_upgrade', 'A free plan is chosen by checkout.');
    const customerId = await this.customers.ensure();
    const paymentMethodId = await this.payments.defaultMethod(customerId);
    if (!paymentMethodId || plan.manualInvoicing) throw await this.throughCheckout(plan, quantity);
    const tenant = await this.tenants.current();
    const past = await this.subscriptions.countFromStripe();
    const request = {
      customerId,
      priceId: plan.stripePriceId as StripePriceId,
      quantity,
      paymentMethodId,
      metadata: checkoutMetadata(tenant.id, plan.id, undefined),
    };
    try {
      const id = await this.operations.once({
        intent: `start:${past + 1}:${plan.id}`,
        kind: 'subscriptions.create',
        request,
        send: (persisted, key) => this.gateway.start(persisted, key),
        find: (persisted) => this.gateway.findStarted(persisted),
      });
      await this.sync.sync(id as StripeSubscriptionId);
    } catch (error) {
      if (isPaymentFailure(error)) throw await this.throughCheckout(plan, quantity);
      throw asRefusal(error);
    }
  }

  /** The payer finishes on a hosted page; nothing has changed meanwhile. */
  private async throughCheckout(plan: Plan, quantity: number): Promise<BillingError> {
    const session = await this.checkout.open({ plan_id: plan.id, quantity });
    return new BillingError('payment_action_required', {
      extra: {
        checkout_url: session.url,
        checkout_id: session.id,
        client_secret: null,
        hosted_invoice_url: null,
      },
    });
  }

  private async scheduleChange(planned: PlannedChange): Promise<void> {
    const { row, to, quantity, editable, subscriptionId, mainItemId } = planned;
    const others = editable.snapshot.items.filter((item) => item.id !== mainItemId);
    const request = {
      subscriptionId,
      items: [
        { priceId: to.stripePriceId as StripePriceId, quantity },
        ...others.map((item) => ({ priceId: item.priceId, quantity: item.quantity })),
      ],
      interval: to.interval,
      intervalCount: to.intervalCount,
    };
    if (others.length > 0 && to.interval !== planned.from.interval)
      throw new BillingError('checkout_items_invalid');
    // Left by a process that died before it could write it down, or made in the dashboard: this one takes its place.
    const former = editable.snapshot.scheduleId;
    if (former) await this.dropWaiting(row, former);
    const stripeScheduleId = await this.tellStripe(
      row,
      `schedule:${to.id}:${quantity}:${former ?? ''}`,
      request,
      (persisted, key) => this.gateway.schedule(persisted, key),
    );
    await this.remember(planned, 'schedule', stripeScheduleId);
    await this.sync.sync(subscriptionId);
  }

  /** Another day than the period's end: Stripe's schedules cannot keep the billing date there, so our job does it. */
  private async scheduleFor(planned: PlannedChange, appliesAt: Date): Promise<void> {
    if (planned.to.amount === 0)
      throw new BillingError('unprocessable', {
        detail: 'A free plan follows now or at the end of the period.',
      });
    await this.remember(planned, 'job', null, appliesAt);
  }

  /** A free plan needs no Stripe: the subscription ends, and the free plan follows it (decisions 26). */
  private async goDownToFree(planned: PlannedChange, effective: ChangeWish['effective']): Promise<void> {
    const { row, subscriptionId } = planned;
    const at = effective === 'now' ? 'now' : 'period_end';
    if (at === 'period_end')
      await this.ask(row, 'downgrade-to-free', (key) =>
        this.gateway.cancel(subscriptionId, at, 'downgrade', key),
      );
    await this.remember(planned, 'cancellation', null);
    if (at === 'now')
      await this.ask(row, 'downgrade-to-free-now', (key) =>
        this.gateway.cancel(subscriptionId, at, 'downgrade', key),
      );
    await this.sync.sync(subscriptionId);
  }

  /** Writes down what waits, and tells it. */
  @Transactional()
  protected async remember(
    planned: PlannedChange,
    carriedBy: 'schedule' | 'cancellation' | 'job',
    stripeScheduleId: string | null,
    appliesAt = planned.quote.effectiveAt,
  ): Promise<void> {
    await this.tenants.lockCurrent();
    const row = await this.billings.live();
    if (!row || row.id !== planned.row.id || row.pendingPlanId === planned.to.id) return;
    const before = await this.changes.read(row);
    await this.scheduled.schedule({
      billingId: row.id,
      kind: 'plan',
      carriedBy,
      planId: planned.to.id as PlanId,
      quantity: planned.quantity,
      appliesAt,
      stripeScheduleId,
    });
    const after = await this.billings.change(row, {
      pendingPlanId: planned.to.id as PlanId,
      pendingChangeAt: appliesAt,
      // Who asked Stripe before this must find his news old (ADR 4).
      syncCount: row.syncCount + 1,
      ...(stripeScheduleId === null ? {} : { stripeScheduleId }),
    });
    await this.changes.announce(before, after);
  }

  /** What waited waits no more. @param isEndTakenBack the end that made room for it is gone as well */
  @Transactional()
  async forget({ id }: BillingEntity, isEndTakenBack = false): Promise<void> {
    await this.tenants.lockCurrent();
    const row = await this.billings.live();
    if (!row || row.id !== id) return;
    const before = await this.changes.read(row);
    await this.scheduled.settle({ kind: 'plan' }, 'canceled');
    const after = await this.billings.change(row, {
      pendingPlanId: null,
      pendingChangeAt: null,
      stripeScheduleId: null,
      syncCount: row.syncCount + 1,
      // Stripe has said so: it is one change, told as one.
      ...(isEndTakenBack ? { cancelAtPeriodEnd: false, cancelAt: null, canceledAt: null } : {}),
    });
    await this.changes.announce(before, after);
  }

  /** Takes back what waits, in Stripe first: a schedule is released, an end that made room for a free plan is lifted. */
  async dropWaiting(row: BillingEntity, scheduleId: string | null): Promise<void> {
    const waiting = await this.scheduled.pendingOf('plan');
    if (scheduleId)
      await this.ask(row, `release:${scheduleId}`, (key) => this.gateway.releaseSchedule(scheduleId, key));
    const isEndTakenBack = waiting?.carriedBy === 'cancellation';
    if (isEndTakenBack)
      await this.ask(row, 'lift-end', (key) => this.gateway.reactivate(row.stripeSubscriptionId!, key));
    if (waiting || row.pendingPlanId) await this.forget(row, isEndTakenBack);
  }

  /** A call that changes the subscription itself. The row's version makes it one per state that was seen. */
  ask(row: BillingEntity, name: string, send: (key: string) => Promise<void>): Promise<string> {
    const subscriptionId = row.stripeSubscriptionId!;
    return this.tellStripe(row, name, { subscriptionId }, async (_request, key) => {
      await send(key);
      return subscriptionId;
    });
  }

  private async tellStripe<Request extends object>(
    row: BillingEntity,
    name: string,
    request: Request,
    send: (request: Request, key: string) => Promise<string>,
  ): Promise<string> {
    try {
      return await this.operations.once({
        intent: `${name}:${row.id}:${row.version}`,
        kind: `subscription.${name.split(':')[0]}`,
        request,
        send,
        // A spent key: the next sync tells what Stripe holds; the change itself is asked for anew.
        find: () => Promise.resolve(null),
      });
    } catch (error) {
      if (isPaymentFailure(error)) {
        const editable = await this.gateway.editable(row.stripeSubscriptionId!);
        if (editable) throw await this.pendingPayment.of(editable);
      }
      throw asRefusal(error);
    }
  }

  /** Who asked for what: the change itself is audited when it is true. */
  @Transactional()
  async requested(row: BillingEntity, action: string, wish: Record<string, unknown>): Promise<void> {
    await this.audit.record({
      action: 'SUBSCRIPTION_CHANGE_REQUESTED',
      targetType: 'subscription',
      targetId: row.id,
      after: { action, ...wish },
    });
  }
}

/** Whether Stripe holds already what is asked for. */
function isThere({ row, from, to, quantity }: PlannedChange): boolean {
  return to.id === from.id && quantity === row.quantity;
}
