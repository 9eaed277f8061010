import { Inject, Injectable } from '@nestjs/common';
import type { TenantId } from '../../../contracts/ids';
import { limitOf } from '../../../domain/plan-limits';
import { cheapestFirst, planCovers, upgradePlans } from '../../../domain/upgrade-plans';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Logger } from '../../../platform/logger';
import { ShortCache } from '../../../platform/short-cache';
import { EntitlementsMemory, HeldEntitlements, limitHeld } from '../../entitlements/entitlements-memory';
import { Plan } from '../../plans/plan';
import { PlansService } from '../../plans/plans.service';

/** A plan to change to, and where. */
export interface SuggestedPlan {
  readonly plan_id: string;
  readonly name: string;
  /** Minor units per interval. */
  readonly amount: number;
  readonly currency: string;
  readonly interval: string;
  readonly checkout_url: string;
}

/** A plan that would allow what was refused. */
export interface UpgradeSuggestion extends SuggestedPlan {
  /** null = unlimited. */
  readonly limit: number | null;
}

/** A refused client comes back at once, many times a second. */
const REMEMBER_MS = 1000;
const REMEMBER_TENANTS = 10_000;

/** Which plans would allow what the tenant's own does not? Only those that the tenant can buy. */
@Injectable()
export class UpgradeSuggestions {
  private readonly logger = new Logger('usage');
  private readonly offers: ShortCache<readonly Plan[]>;

  constructor(
    private readonly plans: PlansService,
    private readonly entitlements: EntitlementsMemory,
    private readonly tenantContext: TenantContext,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.offers = new ShortCache(clock, REMEMBER_MS, REMEMBER_TENANTS);
  }

  /**
   * Plans whose limit for the metric covers `needed`. None while an operator's number stands in place of the
   * plan's: another plan would not change it.
   * @param needed what would be used and reserved with the refused amount, as a decimal text
   */
  for(tenantId: TenantId, metric: string, needed: string): Promise<UpgradeSuggestion[]> {
    return this.suggest(tenantId, async (held, offers) => {
      const now = this.clock.now();
      if (limitHeld(held, metric, now, this.config.usage.gracePercent).source === 'override') return [];
      const helpful = upgradePlans(offers, held.current.plan_id, (plan) => planCovers(plan, metric, needed));
      return helpful.map((plan) => ({ ...this.suggested(plan), limit: limitOf(plan.limits, metric) }));
    });
  }

  /** Plans that bring the feature. */
  withFeature(tenantId: TenantId, feature: string): Promise<SuggestedPlan[]> {
    return this.suggest(tenantId, async (held, offers) =>
      upgradePlans(offers, held.current.plan_id, (plan) => plan.features.includes(feature)).map((plan) =>
        this.suggested(plan),
      ),
    );
  }

  /** A refusal is certain; advice that cannot be had now must not turn it into another error. */
  private async suggest<T>(
    tenantId: TenantId,
    choose: (held: HeldEntitlements, offers: readonly Plan[]) => Promise<T[]>,
  ): Promise<T[]> {
    try {
      const held = await this.entitlements.of(tenantId);
      return await choose(held, await this.offers.get(tenantId, () => this.load(tenantId)));
    } catch (error) {
      this.logger.warn('usage.suggestions_failed', { message: String(error) });
      return [];
    }
  }

  private async load(tenantId: TenantId): Promise<Plan[]> {
    const visible = await this.tenantContext.run(tenantId, () => this.plans.findForTenant());
    return cheapestFirst(visible.filter((plan) => plan.amount === 0 || plan.stripePriceId !== null));
  }

  private suggested(plan: Plan): SuggestedPlan {
    return {
      plan_id: plan.id,
      name: plan.name,
      amount: plan.amount,
      currency: plan.currency,
      interval: plan.interval,
      checkout_url: `${this.config.publicUrl}/pricing?plan=${encodeURIComponent(plan.slug)}`,
    };
  }
}
