import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database';
import { TenantContext } from '../../platform/database/tenant-context';
import { TenantRepository } from '../../platform/database/tenant-repository';
import { LimitOverrideEntity } from './limit-override.entity';

/** What the row says, apart from whose it is. */
export type StoredOverride = Omit<LimitOverrideEntity, 'tenantId'>;

/** The operators' numbers for the tenant in the context. */
@Injectable()
export class LimitOverridesRepository extends TenantRepository<LimitOverrideEntity> {
  constructor(database: Database, context: TenantContext) {
    super(LimitOverrideEntity, database, context);
  }

  all(): Promise<LimitOverrideEntity[]> {
    return this.find({}, { metricName: 'ASC' });
  }

  get(metricName: string): Promise<LimitOverrideEntity | null> {
    return this.findOne({ metricName });
  }

  async addOverride(override: StoredOverride): Promise<void> {
    await this.add(override);
  }

  async change(
    metricName: string,
    changes: Pick<LimitOverrideEntity, 'limitValue' | 'reason' | 'expiresAt' | 'updatedAt'>,
  ): Promise<void> {
    await this.update({ metricName }, changes);
  }

  async takeAway(metricName: string): Promise<void> {
    await this.remove({ metricName });
  }
}
