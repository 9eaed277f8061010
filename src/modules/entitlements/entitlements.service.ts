import { Inject, Injectable } from '@nestjs/common';
import type { PlanId, TenantId } from '../../contracts/ids';
import { Transactional } from '@nestjs-cls/transactional';
import {
  CurrentEntitlements,
  Entitlements,
  entitlementsAt,
  resolveEntitlements,
} from '../../domain/entitlements';
import type { EntitlementFacts } from '../../domain/entitlements';
import type { LimitOverride } from '../../domain/limit';
import { Clock } from '../../platform/clock';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { canonicalJson } from '../../platform/crypto';
import { Logger } from '../../platform/logger';
import { Plan } from '../plans/plan';
import { PlansService } from '../plans/plans.service';
import { trialFactsOf } from '../tenants/tenant';
import { TenantsService } from '../tenants/tenants.service';
import { EntitlementsRepository, StoredEntitlements } from './entitlements.repository';

/** What the tenant bought, as the caller knows it; the trial and the configured plans are found here. */
export type Purchase = Pick<EntitlementFacts, 'billing' | 'plan' | 'addOns'>;

const NOTHING_BOUGHT: Purchase = { billing: null, plan: null, addOns: [] };

/** What may this tenant use? The one place that answers. */
@Injectable()
export class EntitlementsService {
  private readonly logger = new Logger('entitlements');

  constructor(
    private readonly entitlements: EntitlementsRepository,
    private readonly tenants: TenantsService,
    private readonly plans: PlansService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * What the tenant of the context may use now. A tenant without a row has bought nothing yet: its trial
   * and the free plan decide, and the row is written.
   */
  async current(): Promise<CurrentEntitlements> {
    const stored = (await this.entitlements.get()) ?? (await this.begin());
    return entitlementsAt(stored, this.clock.now());
  }

  /**
   * Sets or (null) takes away an operator's number for one metric of the tenant in the context. Call it in the
   * transaction that records the override.
   */
  @Transactional()
  async override(metric: string, override: LimitOverride | null): Promise<void> {
    await this.current();
    await this.entitlements.override(metric, override, this.clock.now());
  }

  /**
   * The version of the tenant's row, null without one: whether what somebody remembers still holds. Ask in the
   * transaction that relies on it.
   */
  version(): Promise<number | null> {
    return this.entitlements.version();
  }

  /** Whether a plan or add-on of the tenant brings the feature now. */
  async hasFeature(feature: string): Promise<boolean> {
    return (await this.current()).features.includes(feature);
  }

  /**
   * Finds out anew what the tenant of the context may use, and writes it with the next version if it is
   * something else. Call it in the transaction that changed the purchase, with the tenant locked.
   * @returns what holds now
   */
  @Transactional()
  async refresh(purchase: Purchase): Promise<CurrentEntitlements> {
    const { resolved } = await this.resolve(purchase);
    const now = this.clock.now();
    const { period: _, ...found } = resolved;
    const fresh = await this.keepingMonths(found);
    if (!(await this.entitlements.addFirst(fresh, now))) {
      const known = await this.entitlements.lock();
      const differs = known && canonicalJson(known.entitlements) !== canonicalJson(fresh);
      if (known && (differs || known.isStale))
        await this.entitlements.replace(fresh, known.version + (differs ? 1 : 0), now);
    }
    return entitlementsAt(fresh, now);
  }

  /**
   * A plan change never resets a counter (decisions 10), although Stripe may move the billing anchor with it:
   * the usage months of a paying tenant go on from where they began.
   */
  private async keepingMonths(found: StoredEntitlements): Promise<StoredEntitlements> {
    if (found.source !== 'subscription') return found;
    const known = await this.entitlements.get();
    return known?.source === 'subscription' ? { ...found, anchor: known.anchor } : found;
  }

  /** A plan has changed: all that were made from it, and those of the given tenants, are to be refreshed. */
  markStaleAcrossTenants(planId: PlanId, besides: readonly TenantId[]): Promise<void> {
    return this.entitlements.markStaleAcrossTenants(planId, besides);
  }

  /** Tenants whose entitlements are to be refreshed. */
  staleAcrossTenants(limit: number): Promise<TenantId[]> {
    return this.entitlements.staleAcrossTenants(limit);
  }

  /** The first row of a tenant that has bought nothing. */
  @Transactional()
  protected async begin(): Promise<StoredEntitlements> {
    const { resolved, isComplete } = await this.resolve(NOTHING_BOUGHT);
    // A configured plan that is not there yet may come with the next plan sync: nothing is fixed until then.
    if (!isComplete) return resolved;
    const { period: _, ...first } = resolved;
    // The tenant before its row, as everybody who changes entitlements locks them: else two beginners and one of
    // those wait for each other.
    await this.tenants.lockCurrent();
    const isFirst = await this.entitlements.addFirst(first, this.clock.now());
    return isFirst ? first : ((await this.entitlements.get()) ?? first);
  }

  private async resolve(purchase: Purchase): Promise<{ resolved: Entitlements; isComplete: boolean }> {
    const tenant = await this.tenants.current();
    const { trial, freePlanSlug } = this.config;
    const trialPlan = await this.configuredPlan(trial.planSlug);
    const freePlan = await this.configuredPlan(freePlanSlug);
    const facts = { tenant: { trial: trialFactsOf(tenant) }, ...purchase, trialPlan, freePlan };
    const isComplete = (trialPlan !== null || !trial.planSlug) && (freePlan !== null || !freePlanSlug);
    return { resolved: resolveEntitlements(facts, this.clock.now()), isComplete };
  }

  private async configuredPlan(slug: string | null): Promise<Plan | null> {
    if (slug === null) return null;
    const plan = await this.plans.findBySlug(slug);
    if (!plan) this.logger.warn('entitlements.configured_plan_missing', { slug });
    return plan;
  }
}
