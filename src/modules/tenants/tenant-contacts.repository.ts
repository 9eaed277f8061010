import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { ContactId } from '../../contracts/ids';
import { Database } from '../../platform/database/database';
import { TenantContext } from '../../platform/database/tenant-context';
import { TenantRepository } from '../../platform/database/tenant-repository';
import { Contact, ContactRole } from './tenant';
import { TenantContactEntity } from './tenant-contact.entity';

/** The people of the tenant in the context; an address is there once, however it is written. */
@Injectable()
export class TenantContactsRepository extends TenantRepository<TenantContactEntity> {
  constructor(database: Database, context: TenantContext) {
    super(TenantContactEntity, database, context);
  }

  /** False when the address is a contact already. */
  addIfNew(contact: Contact, createdAt: Date): Promise<boolean> {
    return this.addOnce({ ...contact, createdAt });
  }

  all(): Promise<Contact[]> {
    return this.find({}, { createdAt: 'ASC', id: 'ASC' });
  }

  withRoles(roles: readonly ContactRole[]): Promise<Contact[]> {
    return this.find({ role: In([...roles]) }, { createdAt: 'ASC', id: 'ASC' });
  }

  async changeEmail(id: ContactId, email: string): Promise<void> {
    await this.update({ id }, { email });
  }
}
