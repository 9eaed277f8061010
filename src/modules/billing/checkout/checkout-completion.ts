import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { CheckoutSessionRowId, isUuid } from '../../../contracts/ids';
import { AuditAction } from '../../../contracts/audit';
import { nextPaymentStatus } from '../../../domain/subscription-status';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Clock } from '../../../platform/clock';
import { Metrics } from '../../../platform/metrics';
import type { CheckoutSnapshot } from '../../../stripe/snapshots';
import { TenantsService } from '../../tenants/tenants.service';
import { SubscriptionSync } from '../subscriptions/subscription-sync';
import { CheckoutSessionEntity } from './checkout-session.entity';
import { CheckoutSessionsRepository } from './checkout-sessions.repository';

/** What a finished checkout means: the session is closed once, and the subscription it made is fetched. */
@Injectable()
export class CheckoutCompletion {
  constructor(
    private readonly sessions: CheckoutSessionsRepository,
    private readonly tenants: TenantsService,
    private readonly sync: SubscriptionSync,
    private readonly audit: AuditRecorder,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
  ) {}

  /** @param session as Stripe holds it now, of the tenant in context */
  async apply(session: CheckoutSnapshot): Promise<void> {
    // The subscription first: when the session says complete, the tenant is active already.
    if (session.subscriptionId) await this.sync.sync(session.subscriptionId);
    if (session.status !== 'open') await this.close(session, session.status);
  }

  @Transactional()
  protected async close(session: CheckoutSnapshot, status: 'complete' | 'expired'): Promise<void> {
    await this.tenants.lockCurrent();
    const row = await this.find(session);
    if (!row || row.state === 'complete' || row.state === status) return;
    await this.sessions.finish(row, status, {
      stripeSessionId: session.id,
      stripeSubscriptionId: session.subscriptionId,
      ...(status === 'complete' ? { completedAt: this.clock.now() } : {}),
    });
    const action: AuditAction = status === 'complete' ? 'CHECKOUT_COMPLETED' : 'CHECKOUT_EXPIRED';
    await this.audit.record({
      action,
      targetType: 'checkout_session',
      targetId: session.id,
      before: { state: row.state },
      after: { state: status, stripe_subscription_id: session.subscriptionId },
    });
    if (status === 'complete' && session.paymentStatus === 'paid') await this.recordPayment();
    this.metrics.checkouts.inc({ result: status === 'complete' ? 'completed' : 'expired' });
  }

  /** By Stripe's id, or by our own when the process died before it could write Stripe's down. */
  private async find(session: CheckoutSnapshot): Promise<CheckoutSessionEntity | null> {
    const known = await this.sessions.byStripeId(session.id);
    if (known) return this.sessions.lock(known.id);
    const reference = session.clientReferenceId;
    return reference && isUuid(reference) ? this.sessions.lock(reference as CheckoutSessionRowId) : null;
  }

  private async recordPayment(): Promise<void> {
    const tenant = await this.tenants.current();
    // A checkout told late says nothing about what has failed since: that the invoices know.
    if (tenant.paymentStatus !== 'NONE' && tenant.paymentStatus !== 'PENDING') return;
    await this.tenants.setPaymentStatus(nextPaymentStatus(tenant.paymentStatus, 'invoice_paid'));
  }
}
