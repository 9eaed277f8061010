import { Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import { StripePriceId, StripeSubscriptionId } from '../../../contracts/ids';
import { ChangeQuote, Effective, excessOf, Excess, quoteChange } from '../../../domain/plan-change';
import { Debit, LineDiscount } from '../../../domain/proration';
import { refusalOf, REFUSALS, SubscriptionAction } from '../../../domain/subscription-actions';
import { isLive } from '../../../domain/subscription-status';
import { Clock } from '../../../platform/clock';
import { PaymentsGateway } from '../../../stripe/payments-gateway';
import type { InvoiceSnapshot } from '../../../stripe/snapshots';
import {
  EditableSubscription,
  ItemsRequest,
  SubscriptionGateway,
} from '../../../stripe/subscription-gateway';
import { Plan } from '../../plans/plan';
import { PlansService } from '../../plans/plans.service';
import { UsageService } from '../../usage/reading/usage.service';
import { InvoiceLinesRepository } from '../payments/invoice-lines.repository';
import { InvoicesRepository } from '../payments/invoices.repository';
import { BillingEntity } from '../subscriptions/billing.entity';
import { BillingsRepository } from '../subscriptions/billings.repository';
import { SubscriptionItemsRepository } from '../subscriptions/subscription-items.repository';
import { pauseModeOf } from '../subscriptions/subscription-view';

/** What somebody wants the subscription to be. */
export interface ChangeWish {
  planId: string;
  /** Kept as it is when left out. */
  quantity?: number;
  effective: Effective;
  /** A day of its own, instead of now or the period's end. */
  appliesAt?: Date;
  /** The moment that a preview named; now when left out. */
  prorationDate?: Date;
}

/** A change, worked out and not yet carried out. */
export interface PlannedChange {
  row: BillingEntity;
  subscriptionId: StripeSubscriptionId;
  from: Plan;
  to: Plan;
  quantity: number;
  editable: EditableSubscription;
  mainItemId: string;
  quote: ChangeQuote;
  /** Usage that the new plan does not allow. */
  excess: Excess[];
  request: ItemsRequest;
}

/** How far a given moment may lie behind: the preview was a while ago, and Stripe refuses other periods anyway. */
const OLDEST_PREVIEW_MS = 86_400_000;

/** Works out a change: the one place where preview and execution get what they say and do. */
@Injectable()
export class ChangePlanner {
  constructor(
    private readonly billings: BillingsRepository,
    private readonly items: SubscriptionItemsRepository,
    private readonly invoices: InvoicesRepository,
    private readonly invoiceLines: InvoiceLinesRepository,
    private readonly plans: PlansService,
    private readonly usage: UsageService,
    private readonly gateway: SubscriptionGateway,
    private readonly payments: PaymentsGateway,
    private readonly clock: Clock,
  ) {}

  /** @throws BillingError plan_not_found, plan_not_purchasable */
  async target(planId: string): Promise<Plan> {
    const plan = await this.plans.findVisible(planId);
    if (!plan) throw new BillingError('plan_not_found');
    if (plan.amount > 0 && !plan.stripePriceId) throw new BillingError('plan_not_purchasable');
    return plan;
  }

  /** The running purchase of the tenant in context, or null. */
  async running(): Promise<BillingEntity | null> {
    const row = await this.billings.live();
    return row && row.stripeSubscriptionId && isLive(row.status) ? row : null;
  }

  /**
   * The running subscription, if this may be done to it now.
   * @throws BillingError state_conflict with the reason
   */
  async allowed(
    action: SubscriptionAction,
  ): Promise<BillingEntity & { stripeSubscriptionId: StripeSubscriptionId }> {
    const row = await this.billings.live();
    const plan = row?.planId ? await this.plans.find(row.planId) : null;
    const reason = refusalOf(action, {
      status: row?.status ?? 'NONE',
      pauseMode: row ? pauseModeOf(row) : null,
      isCancelling: row !== null && (row.cancelAtPeriodEnd || row.cancelAt !== null),
      hasPendingChange: row !== null && row.pendingPlanId !== null,
      manualInvoicing: plan?.manualInvoicing ?? false,
    });
    if (reason !== null) throw conflict(reason, REFUSALS[reason]);
    if (!row?.stripeSubscriptionId) throw conflict('no_subscription', REFUSALS.no_subscription);
    return row as BillingEntity & { stripeSubscriptionId: StripeSubscriptionId };
  }

  /**
   * @throws BillingError plan_not_found, plan_not_purchasable, state_conflict, unprocessable, stripe_unavailable
   */
  async plan(
    action: 'upgrade' | 'downgrade' | 'change_quantity' | 'reactivate',
    wish: ChangeWish,
  ): Promise<PlannedChange> {
    const row = await this.allowed(action);
    const from = row.planId ? await this.plans.find(row.planId) : null;
    if (!from) throw new BillingError('state_conflict', { detail: 'The subscription has no known plan.' });
    // The plan one is on may be sold no longer; staying on it is always possible.
    const to = wish.planId === from.id ? from : await this.target(wish.planId);
    if (to.currency !== from.currency)
      throw new BillingError('unprocessable', { detail: 'A running subscription keeps its currency.' });
    const quantity = wish.quantity ?? row.quantity;
    const editable = await this.gateway.editable(row.stripeSubscriptionId);
    const mainItemId = await this.mainItemOf(row);
    if (!editable || !mainItemId)
      throw new BillingError('state_conflict', {
        detail: 'Stripe does not know this subscription any more.',
      });
    const isTrial = row.status === 'TRIALING';
    const now = this.momentOf(wish.prorationDate);
    const quote = quoteChange({
      from: { plan: from, quantity: row.quantity },
      to: { plan: to, quantity },
      period:
        row.currentPeriodStart && row.currentPeriodEnd
          ? { start: row.currentPeriodStart, end: row.currentPeriodEnd }
          : null,
      isTrial,
      discount: discountAt(editable, now),
      mode: row.billingMode === 'classic' ? 'classic' : 'flexible',
      debits: await this.debitsOf(mainItemId, row, editable),
      effective: wish.effective,
      now,
    });
    return {
      row,
      subscriptionId: row.stripeSubscriptionId,
      from,
      to,
      quantity,
      editable,
      mainItemId,
      quote,
      excess: to.id === from.id ? [] : excessOf(await this.usage.summary(), to.limits),
      request: {
        subscriptionId: row.stripeSubscriptionId,
        items: [
          {
            id: mainItemId,
            ...(to.id === from.id ? {} : { priceId: to.stripePriceId as StripePriceId }),
            quantity,
          },
        ],
        prorationDate: isTrial ? null : Math.floor(quote.prorationDate.getTime() / 1000),
        endTrial: isTrial && action === 'upgrade',
        chargesAutomatically: editable.chargesAutomatically,
      },
    };
  }

  /** The line that carries the plan. */
  async mainItemOf(row: BillingEntity): Promise<string | null> {
    const lines = await this.items.of(row.id);
    return (
      lines.find((line) => line.planId !== null && line.planId === row.planId)?.stripeSubscriptionItemId ??
      null
    );
  }

  /** @throws BillingError validation_failed */
  private momentOf(wanted: Date | undefined): Date {
    const now = this.clock.now();
    if (wanted === undefined) return now;
    if (wanted > now || now.getTime() - wanted.getTime() > OLDEST_PREVIEW_MS)
      throw new BillingError('validation_failed', {
        errors: [
          {
            pointer: '/proration_date',
            code: 'out_of_range',
            message: 'must be the moment of a preview of today',
          },
        ],
      });
    return wanted;
  }

  /**
   * What was debited for the line and not given back yet, from our invoices: an invoice that credits the line
   * credits all debits before it. A renewal is a draft for an hour, which the mirror does not hold: then the newest
   * invoice is asked for. Null when we have none, for instance where the mirror began later.
   */
  private async debitsOf(
    itemId: string,
    row: BillingEntity,
    { latestInvoiceId }: EditableSubscription,
  ): Promise<Debit[] | null> {
    let debits: Debit[] = [];
    for (const invoice of await this.invoices.settledOrOwed()) {
      if (invoice.stripeSubscriptionId !== row.stripeSubscriptionId || invoice.status === 'uncollectible')
        continue;
      debits = debitsAfter(debits, await this.invoiceLines.of(invoice.id), itemId);
    }
    if (reaches(debits, row.currentPeriodEnd)) return debits;
    const draft = latestInvoiceId ? await this.payments.invoice(latestInvoiceId) : null;
    if (draft?.status === 'draft') debits = debitsAfter(debits, draft.lines, itemId);
    return reaches(debits, row.currentPeriodEnd) ? debits : null;
  }
}

type InvoicedLine = Pick<
  InvoiceSnapshot['lines'][number],
  'subscriptionItemId' | 'amount' | 'discountAmount' | 'periodStart' | 'periodEnd'
>;

/** What is open of an item's debits after a further invoice. */
function debitsAfter(debits: readonly Debit[], lines: readonly InvoicedLine[], itemId: string): Debit[] {
  const own = lines.filter((line) => line.subscriptionItemId === itemId);
  const isGivenBack = own.some(({ amount }) => amount < 0);
  const added = own
    .filter(({ amount }) => amount > 0)
    .map(({ amount, discountAmount, periodStart, periodEnd }) => ({
      amount: amount - discountAmount,
      period: { start: periodStart, end: periodEnd },
    }));
  return [...(isGivenBack ? [] : debits), ...added];
}

function reaches(debits: readonly Debit[], periodEnd: Date | null): boolean {
  return debits.some(({ period }) => periodEnd !== null && period.end >= periodEnd);
}

function discountAt({ discount }: EditableSubscription, now: Date): LineDiscount {
  return discount && (discount.endsAt === null || discount.endsAt > now) ? discount.off : null;
}

/** 409 with a reason that programs can read. */
export function conflict(reason: string, detail: string, extra: Record<string, unknown> = {}): BillingError {
  return new BillingError('state_conflict', { detail, extra: { reason, ...extra } });
}
