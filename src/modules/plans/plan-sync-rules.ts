import { StripePriceId, TenantId } from '../../contracts/ids';
import { currencyOf } from '../../domain/money';
import { BillingInterval } from '../../domain/period';
import { PlanLimits, limitOf } from '../../domain/plan-limits';
import { canonicalJson } from '../../platform/crypto';
import { CatalogPrice, CatalogProduct } from '../../stripe/catalog-gateway';
import { Plan } from './plan';
import { StripeSays } from './plan-metadata';
import { SkipReason } from './plan-sync-report';

/** A price that can be a plan: recurring, licensed, one whole amount per unit, monthly or yearly. */
export interface SellablePrice {
  readonly currency: string;
  readonly amount: number;
  readonly interval: BillingInterval;
  readonly intervalCount: number;
}

/** The terms of a price as those of a plan, or why it cannot be one. */
export function termsOf(price: CatalogPrice): { terms: SellablePrice } | { skip: SkipReason } {
  const { recurring } = price;
  if (price.type !== 'recurring' || recurring === null) return { skip: 'one_time' };
  if (recurring.usageType === 'metered') return { skip: 'metered' };
  if (price.billingScheme !== 'per_unit') return { skip: 'tiered' };
  if (price.isTransformed) return { skip: 'transformed_quantity' };
  const { interval, intervalCount } = recurring;
  if ((interval !== 'month' && interval !== 'year') || intervalCount > 12)
    return { skip: 'unsupported_interval' };
  if (price.amount === null) return { skip: 'decimal_amount' };
  if (!isKnownCurrency(price.currency)) return { skip: 'unknown_currency' };
  return { terms: { currency: price.currency, amount: price.amount, interval, intervalCount } };
}

/** Whether Stripe sells at this price now. */
export function isOnSale(
  price: CatalogPrice,
  product: CatalogProduct | undefined,
  says: StripeSays,
): boolean {
  return price.isActive && product !== undefined && product.isActive && !says.isReserved;
}

/**
 * A plan as Stripe tells it: what Stripe names is taken over, what it does not name stays. Terms are not
 * compared, because a price never changes them. A public plan may become one tenant's, never the reverse.
 */
export function asStripeSays(plan: Plan, product: CatalogProduct, says: StripeSays): Plan {
  return {
    ...plan,
    name: product.name.slice(0, 100) || plan.name,
    description: product.description,
    limits: { ...plan.limits, ...says.limits },
    limitGrace: says.limitGrace ?? plan.limitGrace,
    features: says.features ?? plan.features,
    rateLimit: says.rateLimit ?? plan.rateLimit,
    tenantId: says.tenantId ?? plan.tenantId,
    metadata: { ...plan.metadata, ...says.metadata },
    isActive: true,
  };
}

/** Whether two states of a plan mean the same; a limit of 0 and none are the same. */
export function meansTheSame(a: Plan, b: Plan): boolean {
  const meaning = ({ limits: _limits, updatedAt: _updatedAt, ...rest }: Plan): string => canonicalJson(rest);
  return meaning(a) === meaning(b) && sameLimits(a.limits, b.limits);
}

function sameLimits(a: PlanLimits, b: PlanLimits): boolean {
  const metrics = [...Object.keys(a), ...Object.keys(b)];
  return metrics.every((metric) => limitOf(a, metric) === limitOf(b, metric));
}

/** Which of a tenant's or the public plans a new one belongs to, or why it may not change its owner. */
export function mayBelongTo(plan: Plan, tenantId: TenantId | null): boolean {
  return tenantId === null || plan.tenantId === null || plan.tenantId === tenantId;
}

/**
 * A slug for a new plan: what the price says, else product and interval; made unique with a number.
 * @param isTaken whether a slug is in use where the plan will stand
 */
export async function slugFor(
  price: CatalogPrice,
  product: CatalogProduct,
  says: StripeSays,
  isTaken: (slug: string) => Promise<boolean>,
): Promise<string> {
  const wish = toSlug(says.slug ?? price.lookupKey ?? `${product.name}-${rhythmOf(price)}`);
  const base = wish.length >= 2 ? wish : toSlug(`plan-${price.id}`);
  for (let count = 1; ; count += 1) {
    const suffix = count === 1 ? '' : `-${count}`;
    const slug = `${base.slice(0, 60 - suffix.length)}${suffix}`;
    if (!(await isTaken(slug))) return slug;
  }
}

function rhythmOf(price: CatalogPrice): string {
  const { interval, intervalCount } = price.recurring ?? { interval: 'month', intervalCount: 1 };
  if (intervalCount === 1) return interval === 'year' ? 'yearly' : 'monthly';
  return `${intervalCount}-${interval}s`;
}

function toSlug(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
    .replace(/-+$/, '');
}

function isKnownCurrency(code: string): boolean {
  try {
    currencyOf(code);
    return true;
  } catch {
    return false;
  }
}

/** The plans of a run, found by what Stripe tells of them. */
export class KnownPlans {
  private readonly byPrice = new Map<StripePriceId, Plan>();
  private readonly former = new Set<StripePriceId>();
  private readonly ids = new Set<string>();

  constructor(plans: readonly Plan[]) {
    for (const plan of plans) {
      this.ids.add(plan.id);
      if (plan.stripePriceId) this.byPrice.set(plan.stripePriceId, plan);
      for (const id of plan.formerStripePriceIds) this.former.add(id);
    }
  }

  get sold(): Iterable<[StripePriceId, Plan]> {
    return this.byPrice;
  }

  soldAt(id: StripePriceId): Plan | null {
    return this.byPrice.get(id) ?? null;
  }

  wasSoldAt(id: StripePriceId): boolean {
    return this.former.has(id);
  }

  has(planId: string): boolean {
    return this.ids.has(planId);
  }
}
