import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import type { TenantId } from '../../contracts/ids';
import { owingStatus, PaymentFacts } from '../../domain/standing';
import { Clock } from '../../platform/clock';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { TenantContext } from '../../platform/database/tenant-context';
import { ShortCache } from '../../platform/short-cache';
import { EntitlementsMemory } from '../entitlements/entitlements-memory';
import { TenantsService } from '../tenants/tenants.service';
import { Purchases } from './purchases';

/** So soon a payment opens what was closed. */
const REMEMBER_MS = 1000;
const REMEMBER_TENANTS = 10_000;

/** Does this tenant owe so long that what costs money is closed to it? */
@Injectable()
export class PaymentRequirement {
  private readonly known: ShortCache<PaymentFacts>;

  constructor(
    private readonly tenants: TenantsService,
    private readonly entitlements: EntitlementsMemory,
    private readonly tenantContext: TenantContext,
    private readonly purchases: Purchases,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.known = new ShortCache(clock, REMEMBER_MS, REMEMBER_TENANTS);
  }

  /**
   * Goes on unless a payment is overdue. A valid trial owes nothing.
   * @returns the value of x-payment-warning while a failed payment can still be mended, else null
   * @throws BillingError payment_required
   */
  async enforcePaid(tenantId: TenantId): Promise<string | null> {
    const { current } = await this.entitlements.of(tenantId);
    if (current.source === 'trial') return null;
    const facts = await this.known.get(tenantId, () =>
      this.tenantContext.run(tenantId, () => this.tenants.current()),
    );
    const status = owingStatus(facts, this.clock.now());
    if (status === null) return null;
    const grace_until = facts.graceUntil?.toISOString() ?? null;
    if (!this.config.payment.blockedStatuses.includes(status)) {
      if (status !== 'PAST_DUE') return status.toLowerCase();
      return grace_until === null ? 'payment failed' : `grace_until=${grace_until}`;
    }
    const arrears = await this.purchases.arrears(tenantId);
    throw this.required({
      detail: 'An invoice is overdue. Pay it to go on.',
      extra: {
        grace_until,
        amount_due: arrears?.amountDue ?? null,
        currency: arrears?.currency ?? null,
        pay_url: arrears?.payUrl ?? `${this.config.publicUrl}/portal`,
      },
    });
  }

  /**
   * Goes on if the tenant has a plan, a trial or the free plan.
   * @throws BillingError payment_required
   */
  async enforceEntitled(tenantId: TenantId): Promise<void> {
    const { current } = await this.entitlements.of(tenantId);
    if (current.source === 'none') throw this.required({});
  }

  private required(about: { detail?: string; extra?: Record<string, unknown> }): BillingError {
    const billing_portal_url = `${this.config.publicUrl}/portal`;
    return new BillingError('payment_required', { ...about, extra: { ...about.extra, billing_portal_url } });
  }
}
