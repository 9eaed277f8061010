import { Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import { isUuid, PlanId, StripePriceId, TenantId } from '../../contracts/ids';
import { Database } from '../../platform/database/database';
import { TenantContext } from '../../platform/database/tenant-context';
import { Cursors } from '../../platform/http/cursor';
import { Page, toPage } from '../../platform/http/page.dto';
import { PlanCache } from './plan-cache';
import { Plan, shelfOf } from './plan';
import { ListPlansQueryDto, PlanView, toPlanView } from './plan.dto';
import { PlansRepository } from './plans.repository';

/** What is sold, and to whom it is visible. Changing it is PlanEditor's; the Stripe sync is PlanSync's. */
@Injectable()
export class PlansService {
  constructor(
    private readonly plans: PlansRepository,
    private readonly cache: PlanCache,
    private readonly tenantContext: TenantContext,
    private readonly database: Database,
    private readonly cursors: Cursors,
  ) {}

  /** Active plans that everybody sees, in the order they are shown. */
  findPublic(): Promise<Plan[]> {
    return this.cache.read(shelfOf(null), () => this.plans.findPublic());
  }

  /**
   * Active plans that the tenant of the context sees: the public ones and its own.
   * @throws MissingTenantContext
   */
  findForTenant(): Promise<Plan[]> {
    const { tenantId } = this.tenantContext;
    return this.cache.read(shelfOf(tenantId), () => this.plans.findForTenant(tenantId));
  }

  /** All that may be bought now: by the tenant of the context, or by anybody when there is none. */
  findBuyable(): Promise<Plan[]> {
    return this.tenantContext.tenantIdOrNull ? this.findForTenant() : this.findPublic();
  }

  /** An active plan that is public or the tenant's own; null for every other, whatever the reason. */
  async findVisible(id: string): Promise<Plan | null> {
    const wanted = id.toLowerCase();
    return (await this.findBuyable()).find((plan) => plan.id === wanted) ?? null;
  }

  /** A plan in any state; for what was bought and for the system's own work. */
  async find(id: string): Promise<Plan | null> {
    if (!isUuid(id)) return null;
    const planId = id.toLowerCase() as PlanId;
    return this.isTenantsTransaction ? this.plans.findOwn(planId) : this.plans.findAcrossTenants(planId);
  }

  /** An active public plan, for instance the free one. */
  async findBySlug(slug: string): Promise<Plan | null> {
    // Inside a transaction nobody waits for Redis: it would hold the transaction's locks.
    const plans = await (this.database.isInTransaction ? this.plans.findPublic() : this.findPublic());
    return plans.find((plan) => plan.slug === slug) ?? null;
  }

  /** The plan sold at a Stripe price, now or before its amount changed; in any state. */
  async findByStripePrice(priceId: StripePriceId): Promise<Plan | null> {
    return (await this.findManyByStripePrice([priceId]))[0] ?? null;
  }

  /** The plans sold at these Stripe prices, now or before; prices that are no plan's are left out. */
  async findManyByStripePrice(priceIds: readonly StripePriceId[]): Promise<Plan[]> {
    if (priceIds.length === 0) return [];
    return this.isTenantsTransaction
      ? this.plans.findByStripePrices(priceIds)
      : this.plans.findByStripePricesAcrossTenants(priceIds);
  }

  /**
   * All plans for operators, newest first.
   * @throws BillingError invalid_cursor
   */
  async list(query: ListPlansQueryDto): Promise<Page<PlanView>> {
    const { scope, tenant_id, is_active, limit, cursor } = query;
    const list = `plans?${JSON.stringify([scope ?? null, tenant_id ?? null, is_active ?? null])}`;
    const after = cursor === undefined ? null : this.cursors.decode(list, cursor);
    const rows = await this.plans.listAcrossTenants(
      { scope, tenantId: tenant_id as TenantId | undefined, isActive: is_active },
      limit + 1,
      after && { createdAt: new Date(String(after[0])), id: String(after[1]) },
    );
    return toPage(rows, limit, toPlanView, (plan) =>
      this.cursors.encode(list, [plan.createdAt.toISOString(), plan.id]),
    );
  }

  /** @throws BillingError not_found */
  async get(id: string): Promise<Plan> {
    const plan = await this.find(id);
    if (!plan) throw new BillingError('not_found');
    return plan;
  }

  /**
   * In a tenant's transaction that transaction is asked, which sees the public plans and the tenant's own:
   * a second connection for each writer would empty the pool just when many write.
   */
  private get isTenantsTransaction(): boolean {
    const { tenantIdOrNull, isAcrossTenants } = this.tenantContext;
    return this.database.isInTransaction && tenantIdOrNull !== null && !isAcrossTenants;
  }
}
