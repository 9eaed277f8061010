import { Injectable } from '@nestjs/common';
import { TenantId } from '../../contracts/ids';
import { effectiveTenantStatus, TenantStatus } from '../../domain/tenant-state';
import { Clock } from '../../platform/clock';
import { TenantDirectory } from '../../platform/http/credentials';
import { ShortCache } from '../../platform/short-cache';
import { statusFactsOf, Tenant } from './tenant';
import { TenantsRepository } from './tenants.repository';

const REMEMBER_MS = 1000;
const REMEMBER_TENANTS = 10_000;

/** Tells the edge of every request what status its tenant is in; at most a second old. */
@Injectable()
export class TenantStatusDirectory extends TenantDirectory {
  private readonly known: ShortCache<Tenant | null>;

  constructor(
    private readonly tenants: TenantsRepository,
    private readonly clock: Clock,
  ) {
    super();
    this.known = new ShortCache(clock, REMEMBER_MS, REMEMBER_TENANTS);
  }

  async statusOf(tenantId: TenantId): Promise<TenantStatus | null> {
    const tenant = await this.known.get(tenantId, () => this.tenants.findAcrossTenants(tenantId));
    // Remembering strangers would refuse a tenant in the second after its creation.
    if (!tenant) this.known.forget(tenantId);
    return tenant && effectiveTenantStatus(statusFactsOf(tenant), this.clock.now());
  }
}
