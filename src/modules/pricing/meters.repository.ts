import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { Database } from '../../platform/database/database';
import { SharedRepository } from '../../platform/database/shared-repository';
import { MeterEntity } from './meter.entity';

/** Meters are the operator's: the same for all tenants. */
@Injectable()
export class MetersRepository extends SharedRepository<MeterEntity> {
  constructor(database: Database) {
    super(MeterEntity, database);
  }

  findByKey(key: string): Promise<MeterEntity | null> {
    return this.findOne({ key });
  }

  findInUse(): Promise<MeterEntity[]> {
    return this.find({ archivedAt: IsNull() }, { builtIn: 'DESC', key: 'ASC' });
  }
}
