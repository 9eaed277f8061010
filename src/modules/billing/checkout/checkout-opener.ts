import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { setTimeout as pause } from 'node:timers/promises';
import { BillingError } from '../../../contracts/errors';
import { CheckoutSessionRowId, PlanId } from '../../../contracts/ids';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Clock } from '../../../platform/clock';
import { uuidV7 } from '../../../platform/crypto';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Metrics } from '../../../platform/metrics';
import { RequestContext } from '../../../platform/request-context';
import { BillingGateway, CheckoutRequest } from '../../../stripe/billing-gateway';
import { CheckoutSnapshot } from '../../../stripe/snapshots';
import { isStoredFailure, StripeFailure } from '../../../stripe/stripe-failures';
import { TenantsService } from '../../tenants/tenants.service';
import { CheckoutSessionEntity } from './checkout-session.entity';
import { CheckoutSessionsRepository } from './checkout-sessions.repository';

const PATIENCE_MS = 9000;
/** A session that closes sooner is not worth handing out again. */
const WORTH_REUSING_MS = 60_000;

/** What is to be bought; equal fingerprints are the same wish. */
export interface CheckoutDraft {
  planId: PlanId;
  fingerprint: string;
  userId: string | null;
  request: Omit<CheckoutRequest, 'reference'>;
}

type Turn = { kind: 'reuse' | 'create' | 'replace'; session: CheckoutSessionEntity } | { kind: 'wait' };

/**
 * Opens one checkout session per tenant, under any concurrency: the row is written first, its id is Stripe's
 * idempotency key, a second wish for the same is answered with the first session, a different wish closes
 * the old session before it opens its own.
 */
@Injectable()
export class CheckoutOpener {
  private readonly inFlight = new Map<string, Promise<CheckoutSessionEntity>>();

  constructor(
    private readonly sessions: CheckoutSessionsRepository,
    private readonly tenants: TenantsService,
    private readonly tenantContext: TenantContext,
    private readonly requestContext: RequestContext,
    private readonly gateway: BillingGateway,
    private readonly audit: AuditRecorder,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
  ) {}

  /** @throws BillingError stripe_unavailable, subscription_exists; StripeFailure when Stripe refuses */
  async open(draft: CheckoutDraft): Promise<CheckoutSessionEntity> {
    const key = `${this.tenantContext.tenantId}:${draft.fingerprint}`;
    const running = this.inFlight.get(key);
    if (running) return running;
    const work = this.openOrReuse(draft).finally(() => this.inFlight.delete(key));
    this.inFlight.set(key, work);
    return work;
  }

  /** Finishes the session of the tenant in context that its maker left in the middle; the next wish finds it. */
  async settle(): Promise<void> {
    const session = await this.takeOverInterrupted();
    if (session) await this.create(session);
  }

  private async openOrReuse(draft: CheckoutDraft): Promise<CheckoutSessionEntity> {
    const giveUpAt = Math.min(this.clock.monotonicMs() + PATIENCE_MS, this.requestContext.answerBy);
    while (this.clock.monotonicMs() < giveUpAt) {
      const turn = await this.takeTurn(draft);
      if (turn.kind === 'reuse') {
        this.metrics.checkouts.inc({ result: 'reused' });
        return turn.session;
      }
      if (turn.kind === 'wait') await pause(50 + Math.random() * 100);
      else if (turn.kind === 'replace') await this.close(turn.session);
      else {
        const opened = await this.create(turn.session);
        if (opened && opened.fingerprint === draft.fingerprint) return opened;
      }
    }
    throw new BillingError('stripe_unavailable', { retryAfter: 2 });
  }

  /** Decides under the tenant's lock, so that of many callers one creates and the others see its row. */
  @Transactional()
  protected async takeTurn(draft: CheckoutDraft): Promise<Turn> {
    await this.tenants.lockCurrent();
    const session = await this.sessions.lockUnfinished();
    if (!session) return { kind: 'create', session: await this.begin(draft) };
    if (session.state === 'creating') {
      if (session.lockedUntil > this.clock.realNow()) return { kind: 'wait' };
      return { kind: 'create', session: await this.sessions.takeOver(session) };
    }
    const closesAt = session.expiresAt?.getTime() ?? 0;
    const isFresh = closesAt - this.clock.now().getTime() > WORTH_REUSING_MS;
    return { kind: isFresh && session.fingerprint === draft.fingerprint ? 'reuse' : 'replace', session };
  }

  @Transactional()
  protected async takeOverInterrupted(): Promise<CheckoutSessionEntity | null> {
    await this.tenants.lockCurrent();
    const session = await this.sessions.lockUnfinished();
    if (session?.state !== 'creating' || session.lockedUntil > this.clock.realNow()) return null;
    return this.sessions.takeOver(session);
  }

  private begin(draft: CheckoutDraft): Promise<CheckoutSessionEntity> {
    const id = uuidV7(this.clock.realNow().getTime()) as CheckoutSessionRowId;
    const { planId, fingerprint, userId } = draft;
    return this.sessions.addCreating({
      id,
      planId,
      fingerprint,
      userId,
      request: { ...draft.request, reference: id },
    });
  }

  /** Null when the row is not ours any more: taken over by another process, or given up. */
  private async create(session: CheckoutSessionEntity): Promise<CheckoutSessionEntity | null> {
    try {
      const opened = await this.openOrFind(session);
      if (opened?.status === 'open') return await this.adopt(session, opened);
      await this.sessions.finish(session, 'failed');
      return null;
    } catch (error) {
      if (error instanceof StripeFailure) await this.sessions.finish(session, 'failed');
      else await this.sessions.giveBack(session);
      throw error;
    }
  }

  /** When the row's key is spent on a stored failure, the session is looked for; without one a new row begins. */
  private async openOrFind(session: CheckoutSessionEntity): Promise<CheckoutSnapshot | null> {
    try {
      return await this.gateway.openCheckout(session.request, `tb_checkout_${session.id}`);
    } catch (error) {
      if (!isStoredFailure(error)) throw error;
      return this.gateway.findCheckout(session.request);
    }
  }

  private async adopt(
    session: CheckoutSessionEntity,
    opened: CheckoutSnapshot,
  ): Promise<CheckoutSessionEntity | null> {
    const found = { stripeSessionId: opened.id, url: opened.url, expiresAt: opened.expiresAt };
    return (await this.recordOpened(session, found)) ? { ...session, ...found, state: 'open' } : null;
  }

  @Transactional()
  protected async recordOpened(
    session: CheckoutSessionEntity,
    found: Parameters<CheckoutSessionsRepository['markOpen']>[1],
  ): Promise<boolean> {
    if (!(await this.sessions.markOpen(session, found))) return false;
    await this.audit.record({
      action: 'CHECKOUT_OPENED',
      targetType: 'checkout_session',
      targetId: found.stripeSessionId,
      after: { plan_id: session.planId, expires_at: found.expiresAt },
    });
    this.metrics.checkouts.inc({ result: 'opened' });
    return true;
  }

  /** Closes a session that nobody wants any more; a payment that came first wins. */
  private async close(session: CheckoutSessionEntity): Promise<void> {
    if (!session.stripeSessionId) return this.sessions.finish(session, 'failed');
    const { status } = await this.gateway.expireCheckout(session.stripeSessionId);
    if (status === 'complete')
      throw new BillingError('subscription_exists', {
        detail: 'The checkout was just paid. The subscription appears in a moment.',
      });
    await this.sessions.finish(session, 'expired');
    this.metrics.checkouts.inc({ result: 'expired' });
  }
}
