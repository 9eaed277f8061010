import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { BillingError } from '../../contracts/errors';
import { isUuid, TenantId } from '../../contracts/ids';
import { effectiveTenantStatus, statusBeneath, TenantAction, transition } from '../../domain/tenant-state';
import { Clock } from '../../platform/clock';
import { canonicalJson } from '../../platform/crypto';
import { TenantContext } from '../../platform/database/tenant-context';
import { Contact, statusFactsOf, statusToStore, Tenant } from './tenant';
import { TenantChanges } from './tenant-changes';
import { TenantContactsRepository } from './tenant-contacts.repository';
import { TenantFilter, TenantPosition, TenantsRepository } from './tenants.repository';
import { CreatedTenant, NewTenant, TenantsService } from './tenants.service';

export interface TenantWithContacts {
  tenant: Tenant;
  contacts: Contact[];
}

/** What an operator may change. */
export type TenantEdit = Partial<Pick<Tenant, 'name' | 'email' | 'locale' | 'metadata'>>;

/** What operators do with tenants; each act enters the one tenant it is about. */
@Injectable()
export class TenantAdministration {
  constructor(
    private readonly service: TenantsService,
    private readonly tenants: TenantsRepository,
    private readonly contacts: TenantContactsRepository,
    private readonly changes: TenantChanges,
    private readonly context: TenantContext,
    private readonly clock: Clock,
  ) {}

  /**
   * Creates a tenant; with an id of one that is there and says the same, answers that one.
   * @throws BillingError already_exists when the tenant with this id says something else
   */
  async create(request: NewTenant): Promise<TenantWithContacts & Pick<CreatedTenant, 'isNew'>> {
    const { tenant, isNew } = await this.service.create(request);
    const contacts = await this.context.run(tenant.id, () => this.contacts.all());
    if (!isNew && !saysTheSame({ tenant, contacts }, request)) throw new BillingError('already_exists');
    return { tenant, contacts, isNew };
  }

  /** Newest first; one tenant more than `limit` when there are more. */
  list(filter: TenantFilter, after: TenantPosition | null, limit: number): Promise<Tenant[]> {
    return this.tenants.pageAcrossTenants(filter, after, limit, this.clock.now());
  }

  /** @throws BillingError not_found */
  get(id: string): Promise<TenantWithContacts> {
    return this.within(id, async () => this.withContacts(await this.service.current()));
  }

  /** @throws BillingError not_found */
  edit(id: string, edit: TenantEdit): Promise<TenantWithContacts> {
    return this.within(id, () => this.editCurrent(edit));
  }

  /**
   * Schedules the tenant's deletion, 30 days from now (decisions 22).
   * @throws BillingError not_found; state_conflict when it is scheduled already
   */
  scheduleDeletion(id: string): Promise<TenantWithContacts> {
    return this.within(id, () => this.moveCurrent('schedule_deletion'));
  }

  /**
   * Calls a scheduled deletion off: the status beneath it shows again.
   * @throws BillingError not_found; state_conflict when none is scheduled
   */
  cancelDeletion(id: string): Promise<TenantWithContacts> {
    return this.within(id, () => this.moveCurrent('cancel_deletion'));
  }

  @Transactional()
  protected async editCurrent(edit: TenantEdit): Promise<TenantWithContacts> {
    const tenant = await this.service.lockCurrent();
    const wanted = { ...tenant, ...edit };
    const differs = (['name', 'email', 'locale', 'metadata'] as const).some(
      (field) => canonicalJson(wanted[field]) !== canonicalJson(tenant[field]),
    );
    if (!differs) return this.withContacts(tenant);
    if (wanted.email !== tenant.email) await this.moveOwner(tenant.email, wanted.email);
    return this.withContacts(await this.changes.apply(tenant, edit));
  }

  @Transactional()
  protected async moveCurrent(
    action: Extract<TenantAction, 'schedule_deletion' | 'cancel_deletion'>,
  ): Promise<TenantWithContacts> {
    const tenant = await this.service.lockCurrent();
    const now = this.clock.now();
    const facts = statusFactsOf(tenant);
    const next = transition(effectiveTenantStatus(facts, now), action, statusBeneath(facts, now));
    if (next.error) throw new BillingError(next.error);
    const scheduled = action === 'schedule_deletion';
    const changed = await this.changes.apply(
      tenant,
      { deletionScheduledAt: scheduled ? now : null, status: statusToStore(tenant, next.status) },
      scheduled
        ? { event: 'tenant.deletion_scheduled', action: 'TENANT_DELETION_SCHEDULED' }
        : { event: 'tenant.deletion_canceled', action: 'TENANT_DELETION_CANCELED' },
    );
    return this.withContacts(changed);
  }

  private async within<T>(id: string, act: () => Promise<T>): Promise<T> {
    if (!isUuid(id)) throw new BillingError('not_found');
    return this.context.run(id.toLowerCase() as TenantId, act);
  }

  private async withContacts(tenant: Tenant): Promise<TenantWithContacts> {
    return { tenant, contacts: await this.contacts.all() };
  }

  /** The owner's address follows the tenant's, unless a contact has the new one already. */
  private async moveOwner(from: string, to: string): Promise<void> {
    const contacts = await this.contacts.all();
    const has = (email: string) => (contact: Contact) => contact.email.toLowerCase() === email.toLowerCase();
    const owner = contacts.find((contact) => contact.role === 'owner' && has(from)(contact));
    const taken = contacts.some((contact) => contact !== owner && has(to)(contact));
    if (owner && !taken) await this.contacts.changeEmail(owner.id, to);
  }
}

function saysTheSame({ tenant, contacts }: TenantWithContacts, request: NewTenant): boolean {
  const asked = { ...tenant, ...pickGiven(request) };
  const same =
    tenant.name === asked.name &&
    tenant.email === asked.email &&
    tenant.locale === asked.locale &&
    canonicalJson(tenant.metadata) === canonicalJson(asked.metadata);
  return (
    same && (request.contacts ?? []).every((wanted) => contacts.some((contact) => isContact(contact, wanted)))
  );
}

function pickGiven({ name, email, locale, metadata }: NewTenant): TenantEdit {
  return { name, email, ...(locale === undefined ? {} : { locale }), ...(metadata ? { metadata } : {}) };
}

function isContact(contact: Contact, wanted: NonNullable<NewTenant['contacts']>[number]): boolean {
  return contact.email.toLowerCase() === wanted.email.toLowerCase() && contact.role === wanted.role;
}
