import { Inject, Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { BillingError } from '../../contracts/errors';
import { isUuid } from '../../contracts/ids';
import type { ContactId, StripeCustomerId, TenantId } from '../../contracts/ids';
import type { PaymentStatus } from '../../domain/subscription-status';
import { effectiveTenantStatus } from '../../domain/tenant-state';
import { mayStartTrial, trialWindow } from '../../domain/trial';
import { AuditRecorder } from '../../platform/audit/audit-recorder';
import { Clock } from '../../platform/clock';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { uuidV7 } from '../../platform/crypto';
import { TenantContext } from '../../platform/database/tenant-context';
import { Outbox } from '../../platform/outbox/outbox';
import { statusFactsOf, statusToStore } from './tenant';
import type { Contact, ContactRole, Tenant } from './tenant';
import { TenantChanges } from './tenant-changes';
import { TenantContactsRepository } from './tenant-contacts.repository';
import { toTenantSnapshot } from './tenants.dto';
import { TenantsRepository } from './tenants.repository';

/** What is known of a tenant when it arrives. */
export interface NewTenant {
  /** Chosen by the sender, so that the same arrival twice is one tenant; ours when left out. */
  id?: TenantId;
  name: string;
  email: string;
  locale?: string;
  metadata?: Record<string, string>;
  /** Further people beside the owner, who is `email`. */
  contacts?: { email: string; name?: string | null; role: ContactRole; locale?: string }[];
}

export interface CreatedTenant {
  tenant: Tenant;
  /** False when the tenant was there before; nothing was changed then. */
  isNew: boolean;
}

/** The tenants themselves: how they arrive, and the facts on their rows that other features read and set. */
@Injectable()
export class TenantsService {
  constructor(
    private readonly tenants: TenantsRepository,
    private readonly contacts: TenantContactsRepository,
    private readonly changes: TenantChanges,
    private readonly context: TenantContext,
    private readonly audit: AuditRecorder,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Creates a tenant and starts its trial, once per id: the same id again answers what is there. */
  create(request: NewTenant): Promise<CreatedTenant> {
    const id = request.id ?? (uuidV7(this.clock.realNow().getTime()) as TenantId);
    return this.context.run(id, () => this.createInContext(id, request));
  }

  @Transactional()
  protected async createInContext(id: TenantId, request: NewTenant): Promise<CreatedTenant> {
    const tenant = this.arriving(id, request);
    if (!(await this.tenants.addIfNew(tenant))) return { tenant: await this.current(), isNew: false };
    await this.addContacts(tenant, request);
    const snapshot = toTenantSnapshot(tenant, this.clock.now());
    await this.outbox.record({
      type: 'tenant.created',
      aggregateType: 'tenant',
      aggregateId: id,
      data: snapshot,
    });
    if (tenant.trialStartedAt !== null)
      await this.outbox.record({
        type: 'trial.started',
        aggregateType: 'tenant',
        aggregateId: id,
        data: snapshot,
      });
    await this.audit.record({
      action: 'TENANT_CREATED',
      targetType: 'tenant',
      targetId: id,
      after: snapshot,
    });
    return { tenant, isNew: true };
  }

  /**
   * The tenant of the context.
   * @throws BillingError not_found
   */
  async current(): Promise<Tenant> {
    return found(await this.tenants.get(this.context.tenantId));
  }

  /** The same, held until the running transaction ends. */
  async lockCurrent(): Promise<Tenant> {
    return found(await this.tenants.lock(this.context.tenantId));
  }

  /** Null for an unknown id, and for a text that is none. */
  async findAcrossTenants(id: string): Promise<Tenant | null> {
    return isUuid(id) ? this.tenants.findAcrossTenants(id as TenantId) : null;
  }

  /** Those of the ids that are no tenant's. */
  missingAcrossTenants(ids: readonly TenantId[]): Promise<TenantId[]> {
    return this.tenants.missingAcrossTenants(ids);
  }

  async findByStripeCustomerAcrossTenants(customerId: StripeCustomerId): Promise<TenantId | null> {
    const tenant = await this.tenants.findByStripeCustomerAcrossTenants(customerId);
    return tenant?.id ?? null;
  }

  /**
   * Gives the tenant of the context its Stripe customer, unless it has one. Who creates it there audits it.
   * @returns the customer the tenant has now: the given one, or the one that was first
   */
  async setStripeCustomer(customerId: StripeCustomerId): Promise<StripeCustomerId> {
    const id = this.context.tenantId;
    const isFirst = await this.tenants.claimStripeCustomer(id, customerId, this.clock.now());
    return isFirst ? customerId : (await this.current()).stripeCustomerId!;
  }

  /** The customer is gone in Stripe; the next purchase makes another. */
  @Transactional()
  async forgetStripeCustomer(customerId: StripeCustomerId): Promise<void> {
    const tenant = await this.lockCurrent();
    if (tenant.stripeCustomerId !== customerId) return;
    await this.tenants.clearStripeCustomer(tenant.id, customerId, this.clock.now());
    await this.audit.record({
      action: 'STRIPE_CUSTOMER_FORGOTTEN',
      targetType: 'tenant',
      targetId: tenant.id,
      before: { stripe_customer_id: customerId },
      after: { stripe_customer_id: null },
    });
  }

  nextGraceEndAcrossTenants(): Promise<Date | null> {
    return this.tenants.nextGraceEndAcrossTenants();
  }

  /** Tenants whose grace after a failed payment is over and is not written so yet. */
  inEndedGraceAcrossTenants(now: Date, limit: number): Promise<TenantId[]> {
    return this.tenants.inEndedGraceAcrossTenants(now, limit);
  }

  /** A purchase takes the trial's place. The first conversion counts; without a trial nothing happens. */
  @Transactional()
  async convertTrial(at: Date): Promise<void> {
    const tenant = await this.lockCurrent();
    if (mayStartTrial(tenant) || tenant.trialConvertedAt !== null) return;
    const now = this.clock.now();
    const changed = await this.tenants.change(tenant, { trialConvertedAt: at }, now);
    await this.outbox.record({
      type: 'trial.converted',
      aggregateType: 'tenant',
      aggregateId: tenant.id,
      data: toTenantSnapshot(changed, now),
    });
  }

  /** First checkout, or first contact confirmed: PENDING becomes ACTIVE. Later calls change nothing. */
  @Transactional()
  async activate(): Promise<void> {
    const tenant = await this.lockCurrent();
    if (tenant.confirmedAt !== null) return;
    const now = this.clock.now();
    const status = effectiveTenantStatus(statusFactsOf({ ...tenant, confirmedAt: now }), now);
    await this.changes.apply(tenant, { confirmedAt: now, status: statusToStore(tenant, status) });
  }

  /**
   * Where the tenant stands with its money; told to machines by the payment events of billing.
   * @param changes `failedAt` and `graceUntil` stay as they are when left out
   * @returns false when nothing was to change
   */
  @Transactional()
  async setPaymentStatus(
    paymentStatus: PaymentStatus,
    changes: { failedAt?: Date | null; graceUntil?: Date | null } = {},
  ): Promise<boolean> {
    const tenant = await this.lockCurrent();
    const paymentFailedAt = changes.failedAt === undefined ? tenant.paymentFailedAt : changes.failedAt;
    const graceUntil = changes.graceUntil === undefined ? tenant.graceUntil : changes.graceUntil;
    const same =
      tenant.paymentStatus === paymentStatus &&
      tenant.paymentFailedAt?.getTime() === paymentFailedAt?.getTime() &&
      tenant.graceUntil?.getTime() === graceUntil?.getTime();
    if (same) return false;
    await this.tenants.change(tenant, { paymentStatus, paymentFailedAt, graceUntil }, this.clock.now());
    return true;
  }

  /** The people of the tenant in the context, oldest first. */
  contactsOfCurrent(): Promise<Contact[]> {
    return this.contacts.all();
  }

  /** Who gets mail of a kind that is meant for these roles. */
  contactsToNotify(roles: readonly ContactRole[]): Promise<Contact[]> {
    return this.contacts.withRoles(roles);
  }

  private arriving(id: TenantId, request: NewTenant): Tenant {
    const now = this.clock.now();
    const trial = this.config.trial.days > 0 ? trialWindow(now, this.config.trial.days) : null;
    return {
      id,
      name: request.name,
      email: request.email,
      locale: request.locale ?? 'en',
      status: 'PENDING',
      statusReason: null,
      statusUntil: null,
      paymentStatus: 'NONE',
      paymentFailedAt: null,
      graceUntil: null,
      trialStartedAt: trial?.start ?? null,
      trialEndsAt: trial?.end ?? null,
      trialConvertedAt: null,
      confirmedAt: null,
      suspendedAt: null,
      lockedAt: null,
      deletionScheduledAt: null,
      stripeCustomerId: null,
      metadata: request.metadata ?? {},
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
  }

  private async addContacts(tenant: Tenant, request: NewTenant): Promise<void> {
    const owner = { email: tenant.email, name: null, role: 'owner' as const, locale: tenant.locale };
    for (const contact of [owner, ...(request.contacts ?? [])])
      await this.contacts.addIfNew(
        {
          id: uuidV7(this.clock.realNow().getTime()) as ContactId,
          email: contact.email,
          name: contact.name ?? null,
          role: contact.role,
          locale: contact.locale ?? tenant.locale,
        },
        tenant.createdAt,
      );
  }
}

function found(tenant: Tenant | null): Tenant {
  if (!tenant) throw new BillingError('not_found');
  return tenant;
}
