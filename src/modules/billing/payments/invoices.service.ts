import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { BillingError } from '../../../contracts/errors';
import { isUuid } from '../../../contracts/ids';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Cursors } from '../../../platform/http/cursor';
import { toPage } from '../../../platform/http/page.dto';
import { PaymentsGateway } from '../../../stripe/payments-gateway';
import { SubscriptionGateway } from '../../../stripe/subscription-gateway';
import { StripeFailure } from '../../../stripe/stripe-failures';
import { TenantsService } from '../../tenants/tenants.service';
import { conflict } from '../changes/change-planner';
import { isPaymentFailure, PendingPayment } from '../changes/pending-payment';
import { StripeOperations } from '../../../stripe/operations/stripe-operations';
import { BillingsRepository } from '../subscriptions/billings.repository';
import { SubscriptionSync } from '../subscriptions/subscription-sync';
import { InvoiceEntity } from './invoice.entity';
import { InvoiceLinesRepository } from './invoice-lines.repository';
import { InvoiceMirror } from './invoice-mirror';
import { invoiceLineView, invoiceView } from './invoice-view';
import { InvoicesRepository } from './invoices.repository';
import { PaymentMethods } from './payment-methods.service';
import { InvoiceDetailView, InvoicePage, InvoicesQueryDto, UpcomingInvoiceView } from './payments.dto';

/** The tenant's invoices: read from the mirror, paid in Stripe. */
@Injectable()
export class InvoicesService {
  constructor(
    private readonly invoices: InvoicesRepository,
    private readonly lines: InvoiceLinesRepository,
    private readonly mirror: InvoiceMirror,
    private readonly payments: PaymentsGateway,
    private readonly subscriptionGateway: SubscriptionGateway,
    private readonly methods: PaymentMethods,
    private readonly pendingPayment: PendingPayment,
    private readonly operations: StripeOperations,
    private readonly billings: BillingsRepository,
    private readonly sync: SubscriptionSync,
    private readonly tenants: TenantsService,
    private readonly cursors: Cursors,
    private readonly audit: AuditRecorder,
  ) {}

  /** @throws BillingError invalid_cursor */
  async list({ status, limit, cursor }: InvoicesQueryDto): Promise<InvoicePage> {
    const list = `invoices?${status ?? ''}`;
    const position = cursor === undefined ? null : this.cursors.decode(list, cursor);
    const after = position && { createdAt: new Date(String(position[0])), id: String(position[1]) };
    const rows = await this.invoices.page(status ?? null, after, limit + 1);
    return toPage(rows, limit, invoiceView, (row) =>
      this.cursors.encode(list, [row.createdAt.toISOString(), row.id]),
    );
  }

  /** @throws BillingError not_found */
  async find(id: string): Promise<InvoiceDetailView> {
    const row = await this.get(id);
    return { ...invoiceView(row), lines: (await this.lines.of(row.id)).map(invoiceLineView) };
  }

  /** @throws BillingError not_found, state_conflict while there is none, stripe_unavailable */
  async pdf(id: string): Promise<Buffer> {
    const row = await this.get(id);
    if (!row.pdfUrl) throw conflict('no_pdf', 'Stripe has no PDF of this invoice.');
    const pdf = await this.payments.pdf(row.pdfUrl);
    if (!pdf) throw new BillingError('stripe_unavailable', { retryAfter: 5 });
    return pdf;
  }

  /**
   * Pays an open invoice now.
   * @throws BillingError not_found, state_conflict, payment_action_required, unprocessable, stripe_unavailable
   */
  async pay(id: string, methodId: string | null): Promise<InvoiceDetailView> {
    const row = await this.get(id);
    if (methodId !== null) await this.methods.own(methodId);
    if (row.status !== 'open' && row.status !== 'uncollectible')
      throw conflict(row.status, 'Only an open invoice can be paid.');
    await this.requested(row, methodId);
    try {
      await this.operations.once({
        // Stripe counts attempts: what failed before is no answer to this one.
        intent: `pay:${row.id}:${row.attemptCount}:${row.syncCount}:${methodId ?? 'default'}`,
        kind: 'invoices.pay',
        request: { invoice: row.stripeInvoiceId, methodId },
        send: async ({ invoice, methodId: method }, key) => {
          await this.payments.pay(invoice, method, key);
          return invoice;
        },
        find: () => Promise.resolve(null),
      });
    } catch (error) {
      await this.refresh(row);
      if (isPaymentFailure(error)) throw await this.pendingPayment.ofInvoice(row.stripeInvoiceId);
      if (error instanceof StripeFailure && (await this.get(id)).status !== 'paid')
        throw new BillingError('unprocessable', { detail: 'Stripe refused this payment.', cause: error });
      if (!(error instanceof StripeFailure)) throw error;
    }
    await this.refresh(row);
    return this.find(id);
  }

  /** @throws BillingError state_conflict when no invoice will come, stripe_unavailable */
  async upcoming(): Promise<UpcomingInvoiceView> {
    const live = await this.billings.live();
    const { stripeCustomerId } = await this.tenants.current();
    if (!live?.stripeSubscriptionId || !stripeCustomerId || live.cancelAtPeriodEnd || live.endedAt)
      throw conflict('no_invoice_to_come', 'No invoice is to come.');
    try {
      const preview = await this.subscriptionGateway.upcoming(stripeCustomerId, live.stripeSubscriptionId);
      const { currency, subtotal, tax, total, amountDue, periodStart, periodEnd, lines } = preview;
      return {
        currency,
        subtotal,
        tax,
        total,
        amount_due: amountDue,
        period_start: periodStart.toISOString(),
        period_end: periodEnd.toISOString(),
        lines: lines.map((line) => invoiceLineView({ ...line, stripeLineId: line.id })),
      };
    } catch (error) {
      if (error instanceof StripeFailure) throw conflict('no_invoice_to_come', 'No invoice is to come.');
      throw error;
    }
  }

  private async get(id: string): Promise<InvoiceEntity> {
    const row = isUuid(id) ? await this.invoices.byId(id) : null;
    if (!row) throw new BillingError('not_found');
    return row;
  }

  /** What Stripe holds after a payment: the invoice, and the subscription it was for. */
  private async refresh(row: InvoiceEntity): Promise<void> {
    if (row.stripeSubscriptionId) await this.sync.sync(row.stripeSubscriptionId);
    await this.mirror.sync(row.stripeInvoiceId);
  }

  @Transactional()
  protected async requested(row: InvoiceEntity, methodId: string | null): Promise<void> {
    await this.audit.record({
      action: 'INVOICE_PAYMENT_REQUESTED',
      targetType: 'invoice',
      targetId: row.id,
      after: { payment_method: methodId ?? 'default', amount: row.amountRemaining, currency: row.currency },
    });
  }
}
