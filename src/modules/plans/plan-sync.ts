import { Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import { isUuid, PlanId, TenantId } from '../../contracts/ids';
import { Clock } from '../../platform/clock';
import { uuidV7 } from '../../platform/crypto';
import { TenantDirectory } from '../../platform/http/credentials';
import { Logger } from '../../platform/logger';
import { Metrics } from '../../platform/metrics';
import { CatalogGateway, CatalogPrice, CatalogProduct } from '../../stripe/catalog-gateway';
import { StripeFailure } from '../../stripe/stripe-failures';
import { MetersService } from '../pricing/meters.service';
import { Plan, shelfOf } from './plan';
import { PlanLocksRepository } from './plan-locks.repository';
import { readStripeMetadata, StripeSays } from './plan-metadata';
import { PlanPublisher } from './plan-publisher';
import { PlanRecorder } from './plan-recorder';
import { PlanSyncReport, SkipReason } from './plan-sync-report';
import {
  asStripeSays,
  isOnSale,
  KnownPlans,
  mayBelongTo,
  meansTheSame,
  slugFor,
  termsOf,
} from './plan-sync-rules';
import { PlansRepository } from './plans.repository';

/** What became of one price. */
type Outcome = 'created' | 'updated' | 'unchanged' | 'deactivated' | { skip: SkipReason };

/** A price with all that Stripe says around it. */
interface Offer {
  readonly price: CatalogPrice;
  readonly product: CatalogProduct | undefined;
  readonly says: StripeSays;
}

/**
 * Brings plans to what Stripe sells. It may stop anywhere and run again: each price is taken over in a
 * transaction of its own, against the version of the plan that was read before Stripe was asked, so a
 * change that an operator makes meanwhile is never overwritten with older news.
 */
@Injectable()
export class PlanSync {
  private readonly logger = new Logger('plan-sync');

  constructor(
    private readonly gateway: CatalogGateway,
    private readonly plans: PlansRepository,
    private readonly recorder: PlanRecorder,
    private readonly publisher: PlanPublisher,
    private readonly locks: PlanLocksRepository,
    private readonly meters: MetersService,
    private readonly tenants: TenantDirectory,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
  ) {}

  /**
   * One whole run.
   * @throws BillingError stripe_unavailable; what was taken over until then stays
   */
  async run(trigger: PlanSyncReport['trigger']): Promise<PlanSyncReport> {
    const started = this.clock.monotonicMs();
    const report: PlanSyncReport = {
      trigger,
      duration_ms: 0,
      pulled: { products: 0, prices: 0 },
      created: 0,
      updated: 0,
      unchanged: 0,
      deactivated: 0,
      skipped: [],
      errors: [],
    };
    const known = new KnownPlans(await this.plans.findLinkedAcrossTenants());
    const knownMetrics = await this.meters.keys();
    // Prices first: the product of every price on the list is then older than the list of products.
    const prices = await this.gateway.prices();
    const products = await this.gateway.products();
    report.pulled = { products: products.length, prices: prices.length };

    const productOf = new Map(products.map((product) => [product.id, product]));
    for (const price of prices) {
      const product = productOf.get(price.productId);
      const marketing = product?.marketingFeatures ?? [];
      const says = readStripeMetadata(product?.metadata ?? {}, price.metadata, marketing, knownMetrics);
      await this.count(report, price.id, says, () => this.takeOver({ price, product, says }, known));
    }
    await this.takeDownDeleted(known, new Set(prices.map((price) => price.id)), report);
    return this.close(report, started);
  }

  private takeOver(offer: Offer, known: KnownPlans): Promise<Outcome> {
    const plan = known.soldAt(offer.price.id);
    return plan ? this.refresh(plan, offer) : this.takeUp(offer, known);
  }

  /** A plan that we have: whether it is still sold, and what Stripe says of it now. */
  private async refresh(plan: Plan, { price, product, says }: Offer): Promise<Outcome> {
    if (!product || !isOnSale(price, product, says)) return this.takeDown(plan);
    if (!mayBelongTo(plan, says.tenantId)) return { skip: 'tenant_changed' };
    if (!(await this.exists(says.tenantId))) return { skip: 'unknown_tenant' };
    const next = asStripeSays({ ...plan, stripeProductId: product.id }, product, says);
    if (meansTheSame(plan, next)) return 'unchanged';
    await this.recorder.recordChangeAcrossTenants(plan, next, 'PLAN_UPDATED');
    return 'updated';
  }

  /** A price that is no plan's: a new plan, if it can be one. */
  private async takeUp({ price, product, says }: Offer, known: KnownPlans): Promise<Outcome> {
    if (known.wasSoldAt(price.id)) {
      // Left behind when we died, or Stripe was away, right after the plan got its new price.
      if (price.isActive) await this.publisher.retire(price.id);
      return { skip: 'superseded' };
    }
    if (says.isReserved) return { skip: 'reserved' };
    const sellable = termsOf(price);
    if ('skip' in sellable) return sellable;
    if (!product) return { skip: 'product_deleted' };
    if (!isOnSale(price, product, says)) return { skip: 'archived' };
    if (!(await this.exists(says.tenantId))) return { skip: 'unknown_tenant' };
    return this.locks.hold(`plans:${shelfOf(says.tenantId)}`, () =>
      this.add({ ...this.blank(price, product, says), ...sellable.terms }, { price, product, says }),
    );
  }

  /** Behind operators on the same shelf: the price may be the one that one of them has just made. */
  private async add(plan: Plan, offer: Offer & { product: CatalogProduct }): Promise<Outcome> {
    const { price, product, says } = offer;
    const [sold] = await this.plans.findByStripePricesAcrossTenants([price.id]);
    if (sold) return { skip: 'changed_meanwhile' };
    const claimed = says.planId && isUuid(says.planId) ? (says.planId.toLowerCase() as PlanId) : null;
    // Made for a plan that we have, but never recorded with it: the operator's retry will find it.
    if (claimed && (await this.plans.findAcrossTenants(claimed))) return { skip: 'superseded' };
    const isTaken = async (slug: string): Promise<boolean> =>
      (await this.plans.findBySlugAcrossTenants(slug, plan.tenantId)) !== null;
    const slug = await slugFor(price, product, says, isTaken);
    await this.recorder.recordNewAcrossTenants({ ...plan, id: claimed ?? plan.id, slug });
    return 'created';
  }

  private async takeDown(plan: Plan): Promise<Outcome> {
    if (!plan.isActive) return 'unchanged';
    await this.recorder.recordChangeAcrossTenants(plan, { ...plan, isActive: false }, 'PLAN_DEACTIVATED');
    return 'deactivated';
  }

  /** Plans whose price Stripe no longer lists at all. */
  private async takeDownDeleted(
    known: KnownPlans,
    listed: ReadonlySet<string>,
    report: PlanSyncReport,
  ): Promise<void> {
    const gone = [...known.sold].filter(([priceId]) => !listed.has(priceId));
    // All at once is more likely the key of another account than the end of the business.
    if (gone.length > 0 && listed.size === 0) {
      this.metrics.alarms.inc({ kind: 'plan_sync_emptied' });
      this.logger.warn('plan_sync.stripe_lists_nothing', { plans: gone.length });
    }
    for (const [priceId, plan] of gone) await this.count(report, priceId, null, () => this.takeDown(plan));
  }

  private async exists(tenantId: TenantId | null): Promise<boolean> {
    return tenantId === null || (await this.tenants.statusOf(tenantId)) !== null;
  }

  /** One price never stops the others; what is away for all of them does. */
  private async count(
    report: PlanSyncReport,
    priceId: string,
    says: StripeSays | null,
    work: () => Promise<Outcome>,
  ): Promise<void> {
    try {
      const outcome = await work();
      if (typeof outcome === 'object') report.skipped.push({ price_id: priceId, reason: outcome.skip });
      else {
        report[outcome] += 1;
        for (const { key, code } of says?.mistakes ?? [])
          report.errors.push({ price_id: priceId, code, field: key });
      }
    } catch (error) {
      if (error instanceof BillingError && error.code === 'version_conflict')
        report.skipped.push({ price_id: priceId, reason: 'changed_meanwhile' });
      else {
        this.logger.error('plan_sync.price_failed', error, { price_id: priceId });
        report.errors.push({ price_id: priceId, code: codeOf(error), field: null });
      }
    }
  }

  private close(report: PlanSyncReport, started: number): PlanSyncReport {
    report.duration_ms = Math.round(this.clock.monotonicMs() - started);
    const { created, updated, unchanged, deactivated } = report;
    const counts = { created, updated, unchanged, deactivated, skipped: report.skipped.length };
    for (const [result, count] of Object.entries(counts)) this.metrics.planSync.inc({ result }, count);
    this.logger.info('plan_sync.done', {
      ...counts,
      trigger: report.trigger,
      products: report.pulled.products,
      prices: report.pulled.prices,
      errors: report.errors.length,
      duration_ms: report.duration_ms,
    });
    return report;
  }

  /** A new plan with all but its terms and its slug. */
  private blank(
    price: CatalogPrice,
    product: CatalogProduct,
    says: StripeSays,
  ): Omit<Plan, 'currency' | 'amount' | 'interval' | 'intervalCount'> {
    const now = this.clock.now();
    return {
      id: uuidV7(this.clock.realNow().getTime()) as PlanId,
      name: product.name.slice(0, 100),
      slug: '',
      description: product.description,
      stripeProductId: product.id,
      stripePriceId: price.id,
      formerStripePriceIds: [],
      limits: says.limits,
      limitGrace: says.limitGrace ?? {},
      features: says.features ?? [],
      rateLimit: says.rateLimit,
      tenantId: says.tenantId,
      manualInvoicing: false,
      daysUntilDue: null,
      trialDays: null,
      sortOrder: 0,
      isActive: true,
      metadata: says.metadata,
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
  }
}

function codeOf(error: unknown): string {
  if (error instanceof BillingError) return error.code;
  return error instanceof StripeFailure ? 'refused_by_stripe' : 'internal';
}
