import { Injectable, OnModuleInit } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import { StripePriceId, StripeProductId, SYSTEM_TENANT } from '../../contracts/ids';
import { canonicalJson, sha256 } from '../../platform/crypto';
import { TenantContext } from '../../platform/database/tenant-context';
import { Logger } from '../../platform/logger';
import { CatalogGateway, PriceRequest, ProductRequest } from '../../stripe/catalog-gateway';
import { StripeOperations } from '../../stripe/operations/stripe-operations';
import { StripeFailure } from '../../stripe/stripe-failures';
import { Plan, sameCommercialTerms } from './plan';
import { isReservedKey, metadataChanges, toStripeMetadata } from './plan-metadata';
import { PlansRepository } from './plans.repository';

/** Where a plan is sold in Stripe. */
export interface Publication {
  readonly stripeProductId: StripeProductId | null;
  readonly stripePriceId: StripePriceId | null;
}

/**
 * Tells Stripe of plans, before we record them. What is made is an operation named by the plan's id, its version
 * and what is sent, so that a retry after a crash finds the same product and price, and another wish makes
 * others. One that nobody retries is settled by the janitor, and the sync finds what it made.
 */
@Injectable()
export class PlanPublisher implements OnModuleInit {
  private readonly logger = new Logger('plans');

  constructor(
    private readonly gateway: CatalogGateway,
    private readonly plans: PlansRepository,
    private readonly operations: StripeOperations,
    private readonly tenantContext: TenantContext,
  ) {}

  onModuleInit(): void {
    this.operations.handle<ProductRequest>('products.create', {
      send: (request, key) => this.gateway.createProduct(request, key),
      find: (request) => this.gateway.findProduct(request),
    });
    this.operations.handle<PriceRequest>('prices.create', {
      send: (request, key) => this.gateway.createPrice(request, key),
      find: (request) => this.gateway.findPrice(request),
    });
  }

  /** Makes the product and the price of a paid plan; a free plan has neither. */
  publish(plan: Plan): Promise<Publication> {
    return answeringRefusals(async () => {
      if (plan.amount === 0) return { stripeProductId: null, stripePriceId: null };
      const product = { name: plan.name, description: plan.description, metadata: toStripeMetadata(plan) };
      const stripeProductId = (await this.once('products.create', plan, product)) as StripeProductId;
      return { stripeProductId, stripePriceId: await this.createPrice(plan, stripeProductId) };
    });
  }

  /**
   * Makes Stripe say what the plan becomes. Other terms make another price, because prices never change;
   * the former price goes on until `retire`.
   */
  republish(before: Plan, after: Plan): Promise<Publication> {
    return answeringRefusals(async () => {
      if (after.amount === 0) return { stripeProductId: null, stripePriceId: null };
      if (before.stripeProductId === null || before.stripePriceId === null) return this.publish(after);
      const stripeProductId = before.stripeProductId;
      const stripePriceId = sameCommercialTerms(before, after)
        ? before.stripePriceId
        : await this.createPrice(after, stripeProductId);
      await this.describe(before, after, { stripeProductId, stripePriceId });
      return { stripeProductId, stripePriceId };
    });
  }

  /** Stops the sale of a plan: archives its price and, unless another plan is sold under it, its product. */
  archive(plan: Plan): Promise<void> {
    return answeringRefusals(async () => {
      const { stripeProductId, stripePriceId } = plan;
      if (stripeProductId && !(await this.plans.isProductSharedAcrossTenants(stripeProductId, plan.id)))
        await this.unlessGone(() => this.gateway.updateProduct(stripeProductId, { isActive: false }));
      if (stripePriceId) await this.archivePrice(stripePriceId);
    });
  }

  /** Ends the sale at a price that the plan no longer has. A failure is left to the next sync. */
  async retire(priceId: StripePriceId): Promise<void> {
    try {
      await this.archivePrice(priceId);
    } catch (error) {
      this.logger.error('plan.former_price_not_archived', error, { price_id: priceId });
    }
  }

  private async createPrice(plan: Plan, productId: StripeProductId): Promise<StripePriceId> {
    const { currency, amount, interval, intervalCount } = plan;
    const request = { productId, currency, amount, interval, intervalCount, metadata: priceMark(plan) };
    return (await this.once('prices.create', plan, request)) as StripePriceId;
  }

  /** The catalog is nobody's: its operations stand under the system's id, also those of one tenant's plans. */
  private once(kind: string, plan: Plan, request: ProductRequest | PriceRequest): Promise<string> {
    const intent = intentOf(plan, kind, request);
    return this.tenantContext.run(SYSTEM_TENANT, () => this.operations.once({ intent, kind, request }));
  }

  /** Writes name, description and metadata where the sync will look for them. */
  private async describe(
    before: Plan,
    after: Plan,
    { stripeProductId, stripePriceId }: { stripeProductId: StripeProductId; stripePriceId: StripePriceId },
  ): Promise<void> {
    const product = await this.gateway.product(stripeProductId);
    const price = await this.gateway.price(stripePriceId);
    const changes = metadataChanges(toStripeMetadata(before), toStripeMetadata(after));
    // A product that was not made for this plan alone may be shared; then the price, whose keys win, tells.
    const isOurs = product.metadata.plan_id === after.id;
    await this.gateway.updateProduct(stripeProductId, {
      name: after.name,
      description: after.description,
      isActive: true,
      ...(isOurs ? { metadata: changes } : {}),
      // A default price cannot be archived.
      ...(product.defaultPriceId === before.stripePriceId ? { defaultPriceId: stripePriceId } : {}),
    });
    await this.gateway.updatePrice(stripePriceId, {
      isActive: true,
      metadata: isOurs
        ? { ...overridesRemoved(price.metadata, changes), ...priceMark(after) }
        : { ...changes, ...limitsTakenBack(product.metadata, changes), ...priceMark(after) },
    });
  }

  private async archivePrice(id: StripePriceId): Promise<void> {
    try {
      await this.unlessGone(() => this.gateway.updatePrice(id, { isActive: false }));
    } catch (error) {
      // The default price of an archived product cannot be archived, and need not be: nobody can buy it.
      if (!(error instanceof StripeFailure)) throw error;
      this.logger.warn('plan.price_kept_active', { price_id: id, stripe_code: error.stripeCode });
    }
  }

  private async unlessGone(tell: () => Promise<void>): Promise<void> {
    try {
      await tell();
    } catch (error) {
      if (!(error instanceof StripeFailure && error.isMissing)) throw error;
    }
  }
}

/** Which plan a price belongs to, so that the sync knows it even if we died before recording it. */
function priceMark(plan: Plan): Record<string, string> {
  return { plan_id: plan.id, plan_slug: plan.slug };
}

/** Keys of the price that would win over what we now write on the product. */
function overridesRemoved(
  price: Readonly<Record<string, string>>,
  changes: Record<string, string>,
): Record<string, string> {
  const overrides = Object.keys(price).filter((key) => key in changes || isReservedKey(key));
  return Object.fromEntries(overrides.map((key) => [key, '']));
}

/** A limit that is removed here but named by the product must be said to be 0, or it would come back. */
function limitsTakenBack(
  product: Readonly<Record<string, string>>,
  changes: Record<string, string>,
): Record<string, string> {
  const removed = Object.keys(product).filter((key) => key.startsWith('limit_') && changes[key] === '');
  return Object.fromEntries(removed.map((key) => [key, '0']));
}

function intentOf(plan: Plan, what: string, request: unknown): string {
  const fingerprint = sha256(canonicalJson(request)).toString('hex').slice(0, 16);
  return `plan:${plan.id}:v${plan.version}:${what}:${fingerprint}`;
}

const FIELDS: Record<string, string> = {
  unit_amount: '/amount',
  currency: '/currency',
  'recurring[interval]': '/interval',
  'recurring[interval_count]': '/interval_count',
  name: '/name',
  description: '/description',
};

/** What Stripe refuses is the plan's fault (an amount below its minimum), or Stripe no longer has the product. */
async function answeringRefusals<T>(tell: () => Promise<T>): Promise<T> {
  try {
    return await tell();
  } catch (error) {
    if (!(error instanceof StripeFailure)) throw error;
    if (error.isMissing)
      throw new BillingError('state_conflict', {
        detail: 'Stripe no longer has the product or price of this plan. Run the plan sync and look again.',
        cause: error,
      });
    const pointer = FIELDS[error.parameter ?? ''] ?? '';
    throw new BillingError('unprocessable', {
      detail: 'Stripe does not accept this plan.',
      errors: [{ pointer, code: 'refused_by_stripe', message: 'Stripe does not accept this value.' }],
      cause: error,
    });
  }
}
