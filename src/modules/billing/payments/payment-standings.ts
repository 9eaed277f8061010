import { Inject, Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { EventType } from '../../../contracts/events';
import {
  amountInArrears,
  InvoiceFacts,
  PaymentState,
  paymentStateOf,
} from '../../../domain/payment-standing';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { Outbox } from '../../../platform/outbox/outbox';
import { TenantsService } from '../../tenants/tenants.service';
import { BillingsRepository } from '../subscriptions/billings.repository';
import { iso } from '../subscriptions/subscription-view';
import { InvoiceEntity } from './invoice.entity';
import { InvoicesRepository } from './invoices.repository';

/** What a tenant owes, and where it can pay. */
export interface Arrears {
  /** Minor units. */
  amountDue: number;
  currency: string;
  /** Stripe's page of the oldest invoice that is late. */
  payUrl: string | null;
}

/** First purchases and changes that wait for their payment are no debt: nothing was given for them yet. */
const NOT_YET_GIVEN = new Set(['subscription_create', 'subscription_update']);

/** Where the tenant stands with its money: found from all its invoices, and told when it changes. */
@Injectable()
export class PaymentStandings {
  constructor(
    private readonly invoices: InvoicesRepository,
    private readonly billings: BillingsRepository,
    private readonly tenants: TenantsService,
    private readonly outbox: Outbox,
    private readonly audit: AuditRecorder,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Finds it out anew and tells what changed. Nothing happens when nothing did. */
  @Transactional()
  async refresh(): Promise<void> {
    const tenant = await this.tenants.lockCurrent();
    const rows = await this.invoices.settledOrOwed();
    // Without invoices there is nothing to conclude from: a checkout tells of its payment before its invoice does.
    if (rows.length === 0) return;
    const facts = await this.factsOf(rows);
    const known: PaymentState = {
      paymentStatus: tenant.paymentStatus,
      paymentFailedAt: tenant.paymentFailedAt,
      graceUntil: tenant.graceUntil,
    };
    const now = this.clock.now();
    const next = paymentStateOf(known, facts, now, this.config.payment.graceDays);
    const changed = await this.tenants.setPaymentStatus(next.paymentStatus, {
      failedAt: next.paymentFailedAt,
      graceUntil: next.graceUntil,
    });
    if (!changed) return;
    const arrears = arrearsOf(rows, facts, now);
    await this.audit.record({
      action: 'PAYMENT_STATUS_CHANGED',
      targetType: 'tenant',
      targetId: tenant.id,
      before: stateView(known),
      after: stateView(next),
    });
    const type = toldAs(known, next);
    if (type === null) return;
    await this.outbox.record({
      type,
      aggregateType: 'tenant',
      aggregateId: tenant.id,
      data: {
        tenant_id: tenant.id,
        ...stateView(next),
        amount_due: arrears?.amountDue ?? 0,
        currency: arrears?.currency ?? rows.at(-1)?.currency ?? null,
        hosted_invoice_url: arrears?.payUrl ?? null,
      },
      previous: stateView(known),
    });
  }

  /** What is late; null when nothing is. */
  async arrears(): Promise<Arrears | null> {
    const rows = await this.invoices.settledOrOwed();
    return arrearsOf(rows, await this.factsOf(rows), this.clock.now());
  }

  /** Whether an unpaid invoice is for something that was given already. */
  async countsAsDebt({ billingReason }: InvoiceEntity): Promise<boolean> {
    if (!NOT_YET_GIVEN.has(billingReason ?? '')) return true;
    // Changed elsewhere without waiting for the payment: then Stripe calls the subscription past due.
    const live = await this.billings.live();
    return live?.status === 'PAST_DUE' || live?.status === 'UNPAID';
  }

  private async factsOf(rows: InvoiceEntity[]): Promise<InvoiceFacts[]> {
    const facts: InvoiceFacts[] = [];
    for (const row of rows)
      facts.push({
        status: row.status,
        createdAt: row.createdAt,
        amountRemaining: row.amountRemaining,
        hasFailed: row.attempted && row.status === 'open' && (await this.countsAsDebt(row)),
        dueAt: row.dueAt,
        disputeLost: row.disputeLost,
      });
    return facts;
  }
}

function arrearsOf(rows: InvoiceEntity[], facts: InvoiceFacts[], now: Date): Arrears | null {
  const late = rows.filter((_row, index) => amountInArrears([facts[index]!], now) > 0);
  const [oldest] = late;
  if (!oldest) return null;
  // A tenant pays in one currency at a time; what it owes in another is on that invoice's own page.
  const same = late.filter(({ currency }) => currency === oldest.currency);
  return {
    amountDue: same.reduce((sum, { amountRemaining }) => sum + amountRemaining, 0),
    currency: oldest.currency,
    payUrl: oldest.hostedUrl,
  };
}

function toldAs(known: PaymentState, next: PaymentState): EventType | null {
  if (next.paymentStatus === known.paymentStatus) return null;
  if (next.paymentStatus === 'OVERDUE') return 'payment.overdue';
  const owed = ['PAST_DUE', 'OVERDUE', 'FAILED'];
  const isGood = next.paymentStatus === 'PAID' || next.paymentStatus === 'PENDING';
  return owed.includes(known.paymentStatus) && isGood ? 'payment.recovered' : null;
}

function stateView({
  paymentStatus,
  paymentFailedAt,
  graceUntil,
}: PaymentState): Record<string, string | null> {
  return {
    payment_status: paymentStatus,
    payment_failed_at: iso(paymentFailedAt),
    grace_until: iso(graceUntil),
  };
}
