import { Injectable } from '@nestjs/common';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { StripeFailure } from '../../../stripe/stripe-failures';
import { SubscriptionGateway } from '../../../stripe/subscription-gateway';
import type { InvoiceSnapshot } from '../../../stripe/snapshots';
import { TenantsService } from '../../tenants/tenants.service';
import { ChangePlanner } from './change-planner';
import type { PlannedChange } from './change-planner';
import { ChangePreviewView, PreviewChangeDto } from './changes.dto';
import { asRefusal } from './pending-payment';

/** What a change would cost: Stripe's preview, with our own figure beside it. */
@Injectable()
export class ChangePreview {
  private readonly logger = new Logger('subscription-changes');

  constructor(
    private readonly planner: ChangePlanner,
    private readonly gateway: SubscriptionGateway,
    private readonly tenants: TenantsService,
    private readonly metrics: Metrics,
  ) {}

  /** @throws BillingError as carrying out would, but for what is used too much: that is shown */
  async of({ plan_id, quantity, effective }: PreviewChangeDto): Promise<ChangePreviewView> {
    const planned = await this.planner.plan('upgrade', { planId: plan_id, quantity, effective });
    const { stripeCustomerId } = await this.tenants.current();
    const isInvoicedNow = effective === 'now' && planned.to.amount > 0 && planned.quote.direction !== 'none';
    const preview =
      isInvoicedNow && stripeCustomerId
        ? await this.gateway.preview(stripeCustomerId, planned.request).catch((error: unknown) => {
            throw error instanceof StripeFailure ? asRefusal(error) : error;
          })
        : null;
    return this.view(planned, preview);
  }

  private view(
    { quote, to, quantity, excess }: PlannedChange,
    preview: InvoiceSnapshot | null,
  ): ChangePreviewView {
    const calculated = quote.amountDue - quote.creditLeft;
    const difference = preview ? preview.total - preview.tax - calculated : null;
    if (difference) {
      this.metrics.alarms.inc({ kind: 'proration_difference' });
      this.logger.warn('proration.difference', { difference, currency: quote.currency });
    }
    return {
      direction: quote.direction,
      plan_id: to.id,
      quantity,
      currency: quote.currency,
      effective_at: quote.effectiveAt.toISOString(),
      proration_date: quote.prorationDate.toISOString(),
      amount_due: preview?.amountDue ?? quote.amountDue,
      credit: quote.credit,
      credit_left: quote.creditLeft,
      tax: preview?.tax ?? 0,
      lines: preview ? preview.lines.map(toStripeLine) : quote.lines.map(toLine),
      next_invoice: { amount: quote.nextInvoice.amount, due_at: quote.nextInvoice.at.toISOString() },
      calculated_total: calculated,
      difference,
      limits: quote.difference.limits,
      features_won: quote.difference.features_won,
      features_lost: quote.difference.features_lost,
      exceeded_limits: excess.map((one) => ({ ...one, used: String(one.used), excess: String(one.excess) })),
      monthly_change: quote.revenue?.amount ?? null,
    };
  }
}

function toLine(line: PlannedChange['quote']['lines'][number]): ChangePreviewView['lines'][number] {
  const { kind, amount, quantity, period } = line;
  return {
    kind,
    amount,
    quantity,
    period_start: period.start.toISOString(),
    period_end: period.end.toISOString(),
  };
}

function toStripeLine(line: InvoiceSnapshot['lines'][number]): ChangePreviewView['lines'][number] {
  return {
    kind: line.amount < 0 ? 'credit' : 'charge',
    amount: line.amount - line.discountAmount,
    quantity: line.quantity ?? 1,
    period_start: line.periodStart.toISOString(),
    period_end: line.periodEnd.toISOString(),
  };
}
