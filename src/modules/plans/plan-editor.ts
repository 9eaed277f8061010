import { Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import { PlanId, TenantId } from '../../contracts/ids';
import { RateLimit } from '../../domain/plan-facts';
import { Clock } from '../../platform/clock';
import { canonicalJson, sha256, uuidV7 } from '../../platform/crypto';
import { TenantDirectory } from '../../platform/http/credentials';
import { MetersService } from '../pricing/meters.service';
import { Plan, sameCommercialTerms, shelfOf } from './plan';
import { CreatePlanDto, PlanFieldsDto, RateLimitDto, UpdatePlanDto } from './plan.dto';
import { PlanLocksRepository } from './plan-locks.repository';
import { PlanPublisher } from './plan-publisher';
import { PlanRecorder } from './plan-recorder';
import { assertLimitable, assertPlanRules } from './plan-rules';
import { PlanUsage } from './plan-usage';
import { PlansRepository } from './plans.repository';
import { PlansService } from './plans.service';

/**
 * How operators change what is sold. Every change is checked, then told to Stripe, then recorded; changes of
 * one shelf (the public plans, or those of a tenant) wait for each other, because Stripe is told outside of
 * any transaction.
 */
@Injectable()
export class PlanEditor {
  constructor(
    private readonly plans: PlansRepository,
    private readonly visible: PlansService,
    private readonly publisher: PlanPublisher,
    private readonly recorder: PlanRecorder,
    private readonly locks: PlanLocksRepository,
    private readonly usage: PlanUsage,
    private readonly meters: MetersService,
    private readonly tenants: TenantDirectory,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes a plan and puts it on sale.
   * @throws BillingError validation_failed, tenant_not_found, already_exists, unprocessable, stripe_unavailable
   */
  async create(dto: CreatePlanDto): Promise<Plan> {
    const tenantId = (dto.tenant_id?.toLowerCase() ?? null) as TenantId | null;
    const draft = this.draft(dto, tenantId);
    assertPlanRules(draft, await this.meters.keys());
    assertLimitable(draft, await this.meters.unlimitable());
    if (tenantId !== null && (await this.tenants.statusOf(tenantId)) === null)
      throw new BillingError('tenant_not_found');

    return this.onShelf(tenantId, async () => {
      await this.assertSlugFree(draft.slug, tenantId, null);
      const plan = (await this.plans.findAcrossTenants(draft.id))
        ? { ...draft, id: uuidV7(this.clock.realNow().getTime()) as PlanId }
        : draft;
      return this.recorder.recordNewAcrossTenants({ ...plan, ...(await this.publisher.publish(plan)) });
    });
  }

  /**
   * Replaces all editable fields. Another amount, currency or interval makes another price; who subscribed
   * at the former one keeps it.
   * @throws BillingError not_found, validation_failed, already_exists, version_conflict, state_conflict,
   *   unprocessable, stripe_unavailable
   */
  async update(id: string, dto: UpdatePlanDto): Promise<Plan> {
    const { tenantId } = await this.visible.get(id);
    return this.onShelf(tenantId, async () => {
      const before = await this.visible.get(id);
      const after = this.edited(before, dto);
      assertPlanRules(after, await this.meters.keys());
      assertLimitable(after, await this.meters.unlimitable());
      if (typeof dto.version === 'number' && dto.version !== before.version)
        throw new BillingError('version_conflict');
      await this.assertSlugFree(after.slug, tenantId, before.id);
      await this.assertMayChangePrice(before, after, dto.migrate === true);

      const publication = await this.publisher.republish(before, after);
      const { stripePriceId } = publication;
      const retired = before.stripePriceId !== stripePriceId ? before.stripePriceId : null;
      const changed = await this.recorder.recordChangeAcrossTenants(
        before,
        {
          ...after,
          ...publication,
          formerStripePriceIds: retired
            ? [...before.formerStripePriceIds, retired]
            : before.formerStripePriceIds,
        },
        'PLAN_UPDATED',
      );
      // Only now: archived before it is recorded, the sync would take the plan off the shelf.
      if (retired) await this.retire(before, changed);
      return changed;
    });
  }

  /**
   * Takes a plan off the shelf; who is on it stays, unless another plan takes over.
   * @param replaceWith plan for those who are on this one without a Stripe subscription
   * @throws BillingError not_found, plan_not_found (the replacement), plan_in_use, stripe_unavailable
   */
  async deactivate(id: string, replaceWith?: string): Promise<Plan> {
    const { tenantId } = await this.visible.get(id);
    return this.onShelf(tenantId, async () => {
      const plan = await this.visible.get(id);
      if (!plan.isActive) return plan;
      if (replaceWith !== undefined)
        await this.usage.move(plan.id, await this.replacementOf(plan, replaceWith));
      const tenants = await this.usage.tenantsOnAcrossTenants(plan.id);
      if (tenants > 0) throw new BillingError('plan_in_use', { extra: { tenants } });
      await this.publisher.archive(plan);
      return this.recorder.recordChangeAcrossTenants(plan, { ...plan, isActive: false }, 'PLAN_DEACTIVATED');
    });
  }

  private onShelf<T>(tenantId: TenantId | null, work: () => Promise<T>): Promise<T> {
    return this.locks.hold(`plans:${shelfOf(tenantId)}`, work);
  }

  /**
   * A plan as its first version. Its id follows from what is wished, so that a wish repeated after a failure
   * in the middle finds the product and price that Stripe has already made for it.
   */
  private draft(dto: CreatePlanDto, tenantId: TenantId | null): Plan {
    const now = this.clock.now();
    return {
      id: idOfWish(dto),
      tenantId,
      ...fieldsOf(dto),
      stripeProductId: null,
      stripePriceId: null,
      formerStripePriceIds: [],
      isActive: true,
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
  }

  private edited(before: Plan, dto: UpdatePlanDto): Plan {
    if (!before.isActive && dto.is_active !== true)
      throw new BillingError('state_conflict', {
        detail: 'The plan is inactive. Send is_active: true to sell it again.',
      });
    // The version is part of the keys that Stripe sees.
    return { ...before, ...fieldsOf(dto), isActive: true, version: before.version + 1 };
  }

  private async assertSlugFree(slug: string, tenantId: TenantId | null, own: PlanId | null): Promise<void> {
    const holder = await this.plans.findBySlugAcrossTenants(slug, tenantId);
    if (holder && holder.id !== own)
      throw new BillingError('already_exists', { detail: 'A plan with this slug exists.' });
  }

  private async assertMayChangePrice(before: Plan, after: Plan, migrate: boolean): Promise<void> {
    if (sameCommercialTerms(before, after)) return;
    const becomesPaidOrFree = (before.amount === 0) !== (after.amount === 0);
    if (!migrate && !becomesPaidOrFree) return;
    if ((await this.usage.tenantsOnAcrossTenants(before.id)) === 0) return;
    throw new BillingError('state_conflict', {
      detail: becomesPaidOrFree
        ? 'Tenants are on this plan: it cannot turn from free to paid or back. Make another plan.'
        : 'Tenants are on this plan and cannot be moved to another price yet. Without migrate they keep theirs.',
    });
  }

  private async retire(before: Plan, after: Plan): Promise<void> {
    if (after.stripePriceId === null) await this.publisher.archive(before);
    else if (before.stripePriceId) await this.publisher.retire(before.stripePriceId);
  }

  private async replacementOf(plan: Plan, replaceWith: string): Promise<Plan> {
    const replacement = await this.visible.find(replaceWith);
    const fits = replacement?.tenantId === null || replacement?.tenantId === plan.tenantId;
    if (!replacement?.isActive || replacement.id === plan.id || !fits)
      throw new BillingError('plan_not_found', {
        detail: 'replace_with must name another active plan that the same tenants see.',
      });
    return replacement;
  }
}

/** The fields an operator may set, with defaults for what is left out. */
function fieldsOf(
  dto: PlanFieldsDto,
): Omit<
  Plan,
  | 'id'
  | 'tenantId'
  | 'stripeProductId'
  | 'stripePriceId'
  | 'formerStripePriceIds'
  | 'isActive'
  | 'version'
  | 'createdAt'
  | 'updatedAt'
> {
  return {
    name: dto.name.trim(),
    slug: dto.slug,
    description: dto.description?.trim() || null,
    currency: dto.currency,
    amount: dto.amount,
    interval: dto.interval,
    intervalCount: dto.interval_count ?? 1,
    limits: dto.limits ?? {},
    limitGrace: dto.limit_grace ?? {},
    features: dto.features ?? [],
    rateLimit: toRateLimit(dto.rate_limit),
    manualInvoicing: dto.manual_invoicing ?? false,
    daysUntilDue: dto.days_until_due ?? (dto.manual_invoicing ? DEFAULT_DAYS_UNTIL_DUE : null),
    trialDays: dto.trial_days ?? null,
    sortOrder: dto.sort_order ?? 0,
    metadata: dto.metadata ?? {},
  };
}

/** Stripe asks for a number of days with invoices that are sent; 30 is its dashboard's default. */
const DEFAULT_DAYS_UNTIL_DUE = 30;

function toRateLimit(dto: RateLimitDto | null | undefined): RateLimit | null {
  const rates = {
    per_second: dto?.per_second ?? null,
    burst: dto?.burst ?? null,
    per_day: dto?.per_day ?? null,
  };
  return Object.values(rates).every((rate) => rate === null) ? null : rates;
}

/** A UUID (version 8: of our own making) that is the same for the same wish. */
function idOfWish(dto: CreatePlanDto): PlanId {
  const bytes = sha256(`plan\n${canonicalJson(dto)}`).subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [8, 12, 16, 20, 32]
    .map((end, index, ends) => hex.slice(ends[index - 1] ?? 0, end))
    .join('-') as PlanId;
}
