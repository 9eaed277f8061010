import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import { Database } from '../../platform/database/database';
import { TenantContext } from '../../platform/database/tenant-context';
import { TenantRepository } from '../../platform/database/tenant-repository';
import { OutboxEntity } from '../../platform/outbox/outbox.entity';

/** A recorded event of the tenant in the context that has its place in the stream. */
export type NumberedEvent = OutboxEntity & { sequence: number };

/** The stream of one tenant, to be read again. */
@Injectable()
export class EventsRepository extends TenantRepository<OutboxEntity> {
  constructor(database: Database, context: TenantContext) {
    super(OutboxEntity, database, context);
  }

  /** In order, oldest first; what has no number yet has not happened for readers. */
  async after(sequence: number, limit: number): Promise<NumberedEvent[]> {
    return (await this.find({ sequence: MoreThan(sequence) }, { sequence: 'ASC' }, limit)) as NumberedEvent[];
  }
}
