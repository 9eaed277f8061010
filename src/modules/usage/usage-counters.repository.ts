import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { Database } from '../../platform/database/database';
import { TenantContext } from '../../platform/database/tenant-context';
import { TenantRepository } from '../../platform/database/tenant-repository';
import { UsageCounterEntity } from './usage-counter.entity';

/** The counters of the tenant in the context. */
@Injectable()
export class UsageCountersRepository extends TenantRepository<UsageCounterEntity> {
  constructor(database: Database, context: TenantContext) {
    super(UsageCounterEntity, database, context);
  }

  /** The counters of the periods that begin at these moments. */
  ofPeriods(starts: readonly Date[]): Promise<UsageCounterEntity[]> {
    return this.find({ periodStart: In([...starts]) });
  }
}
