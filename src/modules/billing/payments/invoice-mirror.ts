import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { setTimeout as pause } from 'node:timers/promises';
import { Outbox } from '../../../platform/outbox/outbox';
import { PaymentsGateway } from '../../../stripe/payments-gateway';
import type { InvoiceSnapshot } from '../../../stripe/snapshots';
import { TenantsService } from '../../tenants/tenants.service';
import { invoiceView } from './invoice-view';
import { InvoiceEntity } from './invoice.entity';
import { InvoiceLinesRepository } from './invoice-lines.repository';
import { InvoicesRepository } from './invoices.repository';
import { PaymentStandings } from './payment-standings';

const MOST_ATTEMPTS = 8;

/** Another answer about this invoice was taken meanwhile: ours may be old. */
class NewsIsOld extends Error {}

/**
 * The one door for news of an invoice: asks Stripe what is true, writes it with its lines if no other answer was
 * taken meanwhile, and tells what it means by comparing before and after (ADR 4). Drafts are nobody's news yet.
 */
@Injectable()
export class InvoiceMirror {
  constructor(
    private readonly payments: PaymentsGateway,
    private readonly invoices: InvoicesRepository,
    private readonly lines: InvoiceLinesRepository,
    private readonly standings: PaymentStandings,
    private readonly tenants: TenantsService,
    private readonly outbox: Outbox,
  ) {}

  /**
   * @returns false when it is not this tenant's, or Stripe has none of this id
   * @throws BillingError stripe_unavailable; UnexpectedStripeShape
   */
  async sync(stripeInvoiceId: string): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const known = await this.invoices.byStripeId(stripeInvoiceId);
      const snapshot = await this.payments.invoice(stripeInvoiceId);
      const tenant = await this.tenants.current();
      if (!snapshot || snapshot.customerId !== tenant.stripeCustomerId) return false;
      if (snapshot.status === 'draft') return true;
      try {
        await this.write(snapshot, known?.syncCount ?? 0);
        return true;
      } catch (error) {
        if (!(error instanceof NewsIsOld) || attempt === MOST_ATTEMPTS) throw error;
        await pause(10 + Math.random() * 40 * attempt);
      }
    }
  }

  @Transactional()
  protected async write(snapshot: InvoiceSnapshot, knownCount: number): Promise<void> {
    await this.tenants.lockCurrent();
    const before = await this.invoices.byStripeId(snapshot.id);
    if ((before?.syncCount ?? 0) !== knownCount) throw new NewsIsOld();
    const after = before
      ? await this.invoices.change(before, snapshot)
      : await this.invoices.addFrom(snapshot);
    await this.lines.mirror(after.id, snapshot.lines);
    await this.announce(before, after);
    await this.standings.refresh();
  }

  private async announce(before: InvoiceEntity | null, after: InvoiceEntity): Promise<void> {
    const data = { ...invoiceView(after) };
    const tell = (type: 'invoice.finalized' | 'invoice.paid' | 'payment.failed'): Promise<void> =>
      this.outbox.record({ type, aggregateType: 'invoice', aggregateId: after.id, data });
    if (!before) await tell('invoice.finalized');
    if (after.status === 'paid' && before?.status !== 'paid') await tell('invoice.paid');
    // Once per attempt that Stripe counted; several attempts seen at once are one piece of news.
    const hasFailedAgain =
      after.status === 'open' && after.attempted && after.attemptCount > (before?.attemptCount ?? 0);
    if (hasFailedAgain && (await this.standings.countsAsDebt(after))) await tell('payment.failed');
  }
}
