import { Injectable } from '@nestjs/common';
import { BillingError, FieldError } from '../../../contracts/errors';
import { StripePriceId, StripeProductId, TenantId } from '../../../contracts/ids';
import { TenantContext } from '../../../platform/database/tenant-context';
import { BillingGateway } from '../../../stripe/billing-gateway';
import { PriceSnapshot } from '../../../stripe/snapshots';
import { Plan } from '../../plans/plan';
import { PlansService } from '../../plans/plans.service';
import { CheckoutItemDto } from './checkout.dto';

/** A line as Stripe's checkout takes it. */
export interface CheckoutLine {
  priceId: StripePriceId;
  productId: StripeProductId | null;
  quantity: number | null;
}

/**
 * Turns what a tenant asks for into lines that fit on one subscription: all of one currency and interval,
 * each price visible to this tenant, metered prices without a quantity.
 */
@Injectable()
export class CheckoutItems {
  constructor(
    private readonly plans: PlansService,
    private readonly gateway: BillingGateway,
    private readonly tenantContext: TenantContext,
  ) {}

  /**
   * @throws BillingError plan_not_found, plan_not_purchasable, price_not_found, checkout_items_invalid,
   *   validation_failed for an item that names neither or both, or a quantity of a metered price
   */
  async lines(plan: Plan, quantity: number, items: CheckoutItemDto[]): Promise<CheckoutLine[]> {
    const lines: CheckoutLine[] = [lineOfPlan(plan, quantity)];
    for (const [index, item] of items.entries()) {
      const pointer = `/items/${index}`;
      if ((item.price_id === undefined) === (item.plan_id === undefined))
        throw invalid(pointer, 'exactly_one', 'Name either price_id or plan_id.');
      lines.push(
        item.plan_id !== undefined
          ? await this.lineOfAddOn(plan, item.plan_id, item.quantity ?? 1)
          : await this.lineOfPrice(plan, item.price_id as StripePriceId, item.quantity, pointer),
      );
    }
    const prices = lines.map((line) => line.priceId);
    if (new Set(prices).size < prices.length)
      throw new BillingError('checkout_items_invalid', { detail: 'The same price appears twice.' });
    return lines;
  }

  private async lineOfAddOn(main: Plan, planId: string, quantity: number): Promise<CheckoutLine> {
    const plan = await this.plans.findVisible(planId);
    if (!plan) throw new BillingError('plan_not_found');
    if (plan.currency !== main.currency || !sameInterval(main, plan.interval, plan.intervalCount))
      throw new BillingError('checkout_items_invalid');
    return lineOfPlan(plan, quantity);
  }

  private async lineOfPrice(
    main: Plan,
    priceId: StripePriceId,
    quantity: number | undefined,
    pointer: string,
  ): Promise<CheckoutLine> {
    const price = await this.sellablePrice(priceId);
    if (price.currency !== main.currency || !sameInterval(main, price.interval, price.intervalCount))
      throw new BillingError('checkout_items_invalid');
    if (price.isMetered && quantity !== undefined)
      throw invalid(`${pointer}/quantity`, 'metered', 'A metered price takes no quantity.');
    return { priceId, productId: price.productId, quantity: price.isMetered ? null : (quantity ?? 1) };
  }

  /** A foreign or unknown price looks the same, so that nobody can probe for other tenants' offers. */
  private async sellablePrice(priceId: StripePriceId): Promise<PriceSnapshot> {
    const plan = await this.plans.findByStripePrice(priceId);
    if (plan && !(await this.plans.findVisible(plan.id))) throw new BillingError('price_not_found');
    const price = await this.gateway.price(priceId);
    const isForeign = price?.ownerTenantId && price.ownerTenantId !== this.tenantContext.tenantId;
    if (!price || !price.active || price.interval === null || isForeign)
      throw new BillingError('price_not_found');
    return price;
  }
}

function lineOfPlan(plan: Plan, quantity: number): CheckoutLine {
  if (!plan.stripePriceId) throw new BillingError('plan_not_purchasable');
  return {
    priceId: plan.stripePriceId as StripePriceId,
    productId: plan.stripeProductId as StripeProductId | null,
    quantity,
  };
}

/** 12 months and a year are the same interval. */
function sameInterval(main: Plan, interval: string | null, count: number): boolean {
  const months = (unit: string | null, times: number): number =>
    unit === 'year' ? 12 * times : unit === 'month' ? times : 0;
  return months(main.interval, main.intervalCount) === months(interval, count);
}

function invalid(pointer: string, code: string, message: string): BillingError {
  const errors: FieldError[] = [{ pointer, code, message }];
  return new BillingError('validation_failed', { errors });
}

/** Which tenant a request is for, as far as metadata may say it: for people who read Stripe's dashboard. */
export function checkoutMetadata(
  tenantId: TenantId,
  planId: string,
  userId?: string,
): Record<string, string> {
  return { tenantId, planId, ...(userId ? { userId } : {}) };
}
