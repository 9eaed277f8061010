import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { PlanId, StripePriceId, StripeProductId, TenantId } from '../../contracts/ids';
import { Database } from '../../platform/database/database';
import { SharedRepository } from '../../platform/database/shared-repository';
import { Plan } from './plan';
import { PlanEntity, toPlan, toRow } from './plan.entity';

/** What an operator's list of plans is narrowed to. */
export interface PlanFilters {
  scope?: 'public' | 'enterprise';
  tenantId?: TenantId;
  isActive?: boolean;
}

const SHOWN_ORDER = { sortOrder: 'ASC', id: 'ASC' } as const;

@Injectable()
export class PlansRepository extends SharedRepository<PlanEntity> {
  constructor(database: Database) {
    super(PlanEntity, database);
  }

  /** Active plans that everybody sees. */
  async findPublic(): Promise<Plan[]> {
    return (await this.find({ tenantId: IsNull(), isActive: true }, SHOWN_ORDER)).map(toPlan);
  }

  /** Active plans that one tenant sees: the public ones and its own. */
  async findForTenant(tenantId: TenantId): Promise<Plan[]> {
    const visible = [
      { tenantId: IsNull(), isActive: true },
      { tenantId, isActive: true },
    ];
    return (await this.find(visible, SHOWN_ORDER)).map(toPlan);
  }

  /** A plan in any state, among those that the running transaction may see. */
  async findOwn(id: PlanId): Promise<Plan | null> {
    return orNull(await this.findOne({ id }));
  }

  findAcrossTenants(id: PlanId): Promise<Plan | null> {
    return this.acrossTenants(() => this.findOwn(id));
  }

  /** Plans sold, now or once, at one of these prices, among those that the running transaction may see. */
  findByStripePrices(ids: readonly StripePriceId[]): Promise<Plan[]> {
    return this.database.inTransaction(async (manager) => {
      const rows = await manager
        .createQueryBuilder(PlanEntity, 'plan')
        .where('plan.stripePriceId = any(:ids)', { ids })
        .orWhere('plan.formerStripePriceIds && :ids', { ids })
        .orderBy('plan.id')
        .getMany();
      return rows.map(toPlan);
    });
  }

  findByStripePricesAcrossTenants(ids: readonly StripePriceId[]): Promise<Plan[]> {
    return this.acrossTenants(() => this.findByStripePrices(ids));
  }

  /** Every plan that has to do with Stripe, in any state. */
  findLinkedAcrossTenants(): Promise<Plan[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager
        .createQueryBuilder(PlanEntity, 'plan')
        .where('plan.stripePriceId is not null')
        .orWhere('cardinality(plan.formerStripePriceIds) > 0')
        .orderBy('plan.id')
        .getMany();
      return rows.map(toPlan);
    });
  }

  /** Whether another active plan is sold under the same Stripe product. */
  isProductSharedAcrossTenants(productId: StripeProductId, besides: PlanId): Promise<boolean> {
    return this.acrossTenants(async () => {
      const plans = await this.find({ stripeProductId: productId, isActive: true });
      return plans.some((plan) => plan.id !== besides);
    });
  }

  /** The plan that has a slug on a shelf, active or not. */
  findBySlugAcrossTenants(slug: string, tenantId: TenantId | null): Promise<Plan | null> {
    return this.acrossTenants(async () =>
      orNull(await this.findOne({ slug, tenantId: tenantId === null ? IsNull() : tenantId })),
    );
  }

  /**
   * Newest first.
   * @param after creation time and id of the last plan of the page before
   */
  listAcrossTenants(
    filters: PlanFilters,
    limit: number,
    after: { createdAt: Date; id: string } | null,
  ): Promise<Plan[]> {
    return this.acrossTenants(async (manager) => {
      const query = manager.createQueryBuilder(PlanEntity, 'plan');
      if (filters.scope === 'public') query.andWhere('plan.tenantId is null');
      if (filters.scope === 'enterprise') query.andWhere('plan.tenantId is not null');
      if (filters.tenantId) query.andWhere('plan.tenantId = :tenantId', filters);
      if (filters.isActive !== undefined) query.andWhere('plan.isActive = :isActive', filters);
      if (after) query.andWhere('(plan.createdAt, plan.id) < (:createdAt, :id)', after);
      const rows = await query
        .orderBy('plan.createdAt', 'DESC')
        .addOrderBy('plan.id', 'DESC')
        .limit(limit)
        .getMany();
      return rows.map(toPlan);
    });
  }

  addAcrossTenants(plan: Plan): Promise<void> {
    return this.acrossTenants(() => this.add(toRow(plan)));
  }

  /** Writes a plan over the version it was made from; false when that version is no longer the current one. */
  replaceAcrossTenants(plan: Plan, expectedVersion: number): Promise<boolean> {
    const { id, createdAt: _unchanged, ...changes } = toRow(plan);
    return this.acrossTenants(
      async () => (await this.update({ id, version: expectedVersion }, changes)) === 1,
    );
  }
}

function orNull(row: PlanEntity | null): Plan | null {
  return row && toPlan(row);
}
