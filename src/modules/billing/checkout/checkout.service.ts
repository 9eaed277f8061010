import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import { PlanId, StripeCustomerId, StripeProductId, StripeSessionId } from '../../../contracts/ids';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { Clock } from '../../../platform/clock';
import { canonicalJson, sha256 } from '../../../platform/crypto';
import { CouponRefusal, DiscountGateway } from '../../../stripe/discount-gateway';
import { StripeFailure } from '../../../stripe/stripe-failures';
import { Plan } from '../../plans/plan';
import { PlansService } from '../../plans/plans.service';
import { TenantsService } from '../../tenants/tenants.service';
import { FreePlans } from '../subscriptions/free-plans';
import { SubscriptionsService } from '../subscriptions/subscriptions.service';
import { checkoutMetadata, CheckoutItems, CheckoutLine } from './checkout-items';
import { CheckoutOpener } from './checkout-opener';
import { CheckoutSessionEntity } from './checkout-session.entity';
import { CheckoutSessionsRepository } from './checkout-sessions.repository';
import { CheckoutView, OpenCheckoutDto } from './checkout.dto';
import { CustomersService } from './customers.service';
import { InvoicedPurchase } from './invoiced-purchase';
import { allowedRedirect } from './redirect-urls';

/** Why a code is refused, in words for the person who typed it. */
const COUPON_REFUSALS: Record<CouponRefusal, string> = {
  unknown: 'There is no such code.',
  expired: 'This code has expired.',
  exhausted: 'This code was used as often as it may be.',
  not_for_this_plan: 'This code is not for this plan.',
  not_for_this_customer: 'This code is not for this customer.',
};

/** How a tenant begins to buy. What was bought is only ever written when Stripe says so. */
@Injectable()
export class CheckoutService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly plans: PlansService,
    private readonly tenants: TenantsService,
    private readonly subscriptions: SubscriptionsService,
    private readonly freePlans: FreePlans,
    private readonly customers: CustomersService,
    private readonly items: CheckoutItems,
    private readonly discounts: DiscountGateway,
    private readonly opener: CheckoutOpener,
    private readonly invoicedPurchase: InvoicedPurchase,
    private readonly sessions: CheckoutSessionsRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Opens a checkout for the tenant in context, or hands out the open one for the same wish; a free plan is
   * in force at once.
   * @throws BillingError plan_not_found, plan_not_purchasable, subscription_exists, coupon_invalid,
   *   redirect_not_allowed, price_not_found, checkout_items_invalid, stripe_unavailable
   */
  async open(wish: OpenCheckoutDto): Promise<CheckoutView> {
    const plan = await this.plans.findVisible(wish.plan_id);
    if (!plan) throw new BillingError('plan_not_found');
    const successUrl = this.redirect(wish.success_url, '/checkout/return?session_id={CHECKOUT_SESSION_ID}');
    const cancelUrl = this.redirect(wish.cancel_url, '/checkout/canceled');
    if (plan.amount === 0) return this.chooseFree(plan, wish);

    await this.subscriptions.refuseSecond();
    const lines = await this.items.lines(plan, wish.quantity ?? 1, wish.items ?? []);
    const customerId = await this.customers.ensure();
    const discount = wish.coupon ? await this.discount(wish.coupon, plan, lines, customerId) : null;
    const tenant = await this.tenants.current();
    const purchase = {
      items: lines.map(({ priceId, quantity }) => ({ priceId, quantity })),
      discount,
      metadata: checkoutMetadata(tenant.id, plan.id, wish.user_id),
      // A plan's trial counts only for a tenant that never had one (decisions 25).
      trialDays: plan.trialDays && !tenant.trialStartedAt ? plan.trialDays : null,
    };
    if (plan.manualInvoicing) {
      await this.invoicedPurchase.start(customerId, { ...purchase, daysUntilDue: plan.daysUntilDue ?? 30 });
      return { id: null, url: null, expires_at: null, status: 'invoiced', plan_id: plan.id };
    }
    const session = await this.openOrExplain({
      planId: plan.id as PlanId,
      fingerprint: sha256(canonicalJson([wish, successUrl, cancelUrl, lines])).toString('hex'),
      userId: wish.user_id ?? null,
      request: {
        ...purchase,
        customerId,
        successUrl,
        cancelUrl,
        expiresAt:
          Math.floor(this.clock.now().getTime() / 1000) + this.config.checkout.sessionHours * 3600 - 60,
      },
    });
    return toCheckoutView(session);
  }

  /** @throws BillingError not_found */
  async find(stripeSessionId: string): Promise<CheckoutView> {
    const session = await this.sessions.byStripeId(stripeSessionId as StripeSessionId);
    if (!session) throw new BillingError('not_found');
    return toCheckoutView(session, this.clock.now());
  }

  private async chooseFree(plan: Plan, wish: OpenCheckoutDto): Promise<CheckoutView> {
    if (wish.items || wish.coupon || (wish.quantity ?? 1) > 1)
      throw new BillingError('checkout_items_invalid', {
        detail: 'A free plan is taken alone: without items, quantity or coupon.',
      });
    await this.freePlans.choose(plan);
    return { id: null, url: null, expires_at: null, status: 'active', plan_id: plan.id };
  }

  private async discount(
    code: string,
    plan: Plan,
    lines: CheckoutLine[],
    customerId: StripeCustomerId,
  ): Promise<{ promotionCodeId: string } | { couponId: string }> {
    const answer = await this.discounts.find(code, {
      productIds: lines.flatMap((line) => line.productId ?? ([] as StripeProductId[])),
      customerId,
      amount: plan.amount * (lines[0]?.quantity ?? 1),
      currency: plan.currency,
      isFirstPurchase: await this.subscriptions.neverPaid(),
    });
    if (answer.valid) return answer.discount;
    throw couponInvalid(answer.reason);
  }

  private async openOrExplain(draft: Parameters<CheckoutOpener['open']>[0]): Promise<CheckoutSessionEntity> {
    try {
      return await this.opener.open(draft);
    } catch (error) {
      if (!(error instanceof StripeFailure)) throw error;
      // The last redemption may have gone between our check and Stripe's.
      if (error.parameter?.startsWith('discounts')) throw couponInvalid('exhausted');
      if (error.parameter?.startsWith('line_items')) throw new BillingError('plan_not_purchasable');
      throw new BillingError('unprocessable', { detail: 'Stripe refused this checkout.', cause: error });
    }
  }

  private redirect(url: string | undefined, path: string): string {
    return allowedRedirect(
      url,
      `${this.config.publicUrl}${path}`,
      this.config.checkout.allowedRedirectOrigins,
    );
  }
}

function couponInvalid(reason: CouponRefusal): BillingError {
  return new BillingError('coupon_invalid', { detail: COUPON_REFUSALS[reason], extra: { reason } });
}

/** @param now given when reading: an open session past its time has expired, whether Stripe told us or not */
export function toCheckoutView(session: CheckoutSessionEntity, now?: Date): CheckoutView {
  const isOver =
    session.state === 'open' && now !== undefined && session.expiresAt !== null && session.expiresAt <= now;
  const status =
    session.state === 'complete' ? 'complete' : session.state === 'open' && !isOver ? 'open' : 'expired';
  return {
    id: session.stripeSessionId,
    url: status === 'open' ? session.url : null,
    expires_at: session.expiresAt?.toISOString() ?? null,
    status,
    plan_id: session.planId,
  };
}
