import { Inject, Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { BillingError } from '../../../contracts/errors';
import { StripePriceId } from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import type { ItemChange } from '../../../stripe/subscription-gateway';
import { SubscriptionGateway } from '../../../stripe/subscription-gateway';
import { PlansService } from '../../plans/plans.service';
import { TenantsService } from '../../tenants/tenants.service';
import { CheckoutItems } from '../checkout/checkout-items';
import { CustomersService } from '../checkout/customers.service';
import { allowedRedirect } from '../checkout/redirect-urls';
import { BillingEntity } from '../subscriptions/billing.entity';
import { BillingsRepository } from '../subscriptions/billings.repository';
import { SubscriptionItemsRepository } from '../subscriptions/subscription-items.repository';
import { SubscriptionSync } from '../subscriptions/subscription-sync';
import { pauseModeOf } from '../subscriptions/subscription-view';
import { ChangePlanner, conflict } from './change-planner';
import { CancelDto, ChangeItemDto, AddItemDto, PauseDto } from './changes.dto';
import { futureMoment } from './future-moment';
import { PlanChanger } from './plan-changer';
import { ScheduledChangesRepository } from './scheduled-changes.repository';
import { SubscriptionTurns } from './subscription-turns.repository';

/** What else is done to a running subscription: ended, brought back, paused, and its further lines. */
@Injectable()
export class SubscriptionEditor {
  constructor(
    private readonly planner: ChangePlanner,
    private readonly changer: PlanChanger,
    private readonly turns: SubscriptionTurns,
    private readonly gateway: SubscriptionGateway,
    private readonly sync: SubscriptionSync,
    private readonly billings: BillingsRepository,
    private readonly lines: SubscriptionItemsRepository,
    private readonly scheduled: ScheduledChangesRepository,
    private readonly checkoutItems: CheckoutItems,
    private readonly plans: PlansService,
    private readonly customers: CustomersService,
    private readonly tenants: TenantsService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Ends the subscription with its period, or now without giving anything back. A change that waits is dropped.
   * @throws BillingError state_conflict, stripe_unavailable
   */
  cancel({ reason, feedback, at }: CancelDto): Promise<void> {
    return this.turns.take(async () => {
      const row = await this.planner.allowed('cancel');
      const id = row.stripeSubscriptionId;
      if (row.cancelAtPeriodEnd && at === 'period_end' && row.pendingPlanId === null) return;
      if (at === 'period_end') await this.changer.dropWaiting(row, row.stripeScheduleId);
      const noted = await this.note(row, reason, feedback ?? null);
      await this.changer.requested(noted, 'cancel', { at, reason });
      const comment = feedback ? `${reason}: ${feedback}` : reason;
      await this.changer.ask(noted, `cancel:${at}`, (key) => this.gateway.cancel(id, at, comment, key));
      await this.sync.sync(id);
    });
  }

  /** Takes back an end that is set, before it comes. */
  reactivate(): Promise<void> {
    return this.turns.take(async () => {
      const row = await this.planner.allowed('reactivate');
      const id = row.stripeSubscriptionId;
      if (row.pendingPlanId)
        throw conflict(
          'change_scheduled',
          'The end makes room for another plan. Cancel that downgrade instead.',
        );
      await this.changer.requested(row, 'reactivate', {});
      await this.changer.ask(row, 'reactivate', (key) => this.gateway.reactivate(id, key));
      await this.note(row, null, null);
      await this.sync.sync(id);
    });
  }

  /**
   * Pauses it: with access kept nothing is collected; with access stopped nothing runs at all.
   * @throws BillingError state_conflict, validation_failed, stripe_unavailable
   */
  pause({ mode, resumes_at }: PauseDto): Promise<void> {
    const resumesAt = futureMoment(resumes_at, 'resumes_at', this.clock.now());
    return this.turns.take(async () => {
      const row = await this.planner.allowed('pause');
      const id = row.stripeSubscriptionId;
      await this.changer.requested(row, 'pause', { mode, resumes_at: resumes_at ?? null });
      const seconds = resumesAt ? Math.floor(resumesAt.getTime() / 1000) : null;
      await this.changer.ask(row, `pause:${mode}:${seconds ?? ''}`, (key) =>
        mode === 'access_kept' ? this.gateway.pauseCollection(id, seconds, key) : this.gateway.pause(id, key),
      );
      // Stripe ends a pause of collection by itself; the real pause is ended by our job.
      if (mode === 'access_stopped' && resumesAt) await this.rememberResume(row, resumesAt);
      await this.sync.sync(id);
    });
  }

  /** Ends a pause. After a real one a new period begins now and is charged first. */
  resume(): Promise<void> {
    return this.turns.take(async () => {
      const row = await this.planner.allowed('resume');
      const id = row.stripeSubscriptionId;
      const mode = pauseModeOf(row);
      await this.changer.requested(row, 'resume', { mode });
      await this.changer.ask(row, 'resume', (key) =>
        mode === 'access_kept' ? this.gateway.resumeCollection(id, key) : this.gateway.resume(id, key),
      );
      await this.scheduled.settle({ kind: 'resume' }, 'applied');
      await this.sync.sync(id);
    });
  }

  /** Adds a line: an add-on plan, or a price of Stripe's. */
  addItem(wish: AddItemDto): Promise<void> {
    return this.turns.take(async () => {
      const row = await this.planner.allowed('change_items');
      const plan = row.planId ? await this.plans.find(row.planId) : null;
      if (!plan) throw new BillingError('state_conflict', { detail: 'The subscription has no known plan.' });
      const [, line] = await this.checkoutItems.lines(plan, row.quantity, [wish]);
      const held = await this.lines.of(row.id);
      if (held.some((item) => item.priceId === line!.priceId))
        throw conflict('item_exists', 'This price is on the subscription already. Change its quantity.');
      await this.changeItem(row, `add:${line!.priceId}:${line!.quantity ?? ''}`, {
        priceId: line!.priceId as StripePriceId,
        quantity: line!.quantity,
      });
    });
  }

  /** @param itemId Stripe's, as the subscription shows it */
  changeItemQuantity(itemId: string, { quantity }: ChangeItemDto): Promise<void> {
    return this.turns.take(async () => {
      const { row, item } = await this.further(itemId);
      if (item.isMetered)
        throw new BillingError('unprocessable', { detail: 'A metered item has no quantity.' });
      if (item.quantity === quantity) return;
      await this.changeItem(row, `item:${itemId}:${quantity}`, { id: itemId, quantity });
    });
  }

  /** Takes a further line off; the line of the plan stays as long as the subscription does. */
  removeItem(itemId: string): Promise<void> {
    return this.turns.take(async () => {
      const { row } = await this.further(itemId);
      await this.changeItem(row, `remove:${itemId}`, { id: itemId, deleted: true });
    });
  }

  /** A link to Stripe's own pages. @throws BillingError redirect_not_allowed, stripe_unavailable */
  async portal(returnUrl: string | undefined): Promise<string> {
    const url = allowedRedirect(
      returnUrl,
      `${this.config.publicUrl}/pricing`,
      this.config.checkout.allowedRedirectOrigins,
    );
    return this.gateway.portal(await this.customers.ensure(), url);
  }

  private async changeItem(
    row: Awaited<ReturnType<ChangePlanner['allowed']>>,
    name: string,
    change: ItemChange,
  ): Promise<void> {
    const editable = await this.gateway.editable(row.stripeSubscriptionId);
    if (!editable) throw new BillingError('state_conflict');
    await this.changer.requested(row, 'items', { ...change });
    await this.changer.changeLines(row, `${name}:${editable.latestInvoiceId ?? ''}`, {
      subscriptionId: row.stripeSubscriptionId,
      items: [change],
      prorationDate: null,
      endTrial: false,
      chargesAutomatically: editable.chargesAutomatically,
    });
  }

  private async further(itemId: string) {
    const found = (await this.planner.running())?.id;
    const item = found
      ? (await this.lines.of(found)).find((one) => one.stripeSubscriptionItemId === itemId)
      : null;
    if (!item) throw new BillingError('not_found');
    const row = await this.planner.allowed('change_items');
    if (item.planId !== null && item.planId === row.planId)
      throw conflict('main_item', 'This item carries the plan. Use upgrade, downgrade or quantity.');
    return { row, item };
  }

  /** The tenant's own words; Stripe keeps them as a comment. */
  @Transactional()
  protected async note(
    { id }: BillingEntity,
    cancelReason: string | null,
    cancelFeedback: string | null,
  ): Promise<BillingEntity> {
    await this.tenants.lockCurrent();
    const row = await this.billings.live();
    if (!row || row.id !== id) throw new BillingError('version_conflict');
    return (await this.billings.change(row, { cancelReason, cancelFeedback })) ?? row;
  }

  @Transactional()
  protected async rememberResume(row: BillingEntity, resumesAt: Date): Promise<void> {
    await this.tenants.lockCurrent();
    const live = await this.billings.live();
    if (!live || live.id !== row.id) return;
    await this.scheduled.settle({ kind: 'resume' }, 'canceled');
    await this.scheduled.schedule({
      billingId: row.id,
      kind: 'resume',
      carriedBy: 'job',
      planId: null,
      quantity: null,
      appliesAt: resumesAt,
      stripeScheduleId: null,
    });
    await this.billings.change(live, { pauseResumesAt: resumesAt });
  }
}
