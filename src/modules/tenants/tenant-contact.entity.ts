import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ContactId, TenantId } from '../../contracts/ids';
import type { Contact, ContactRole } from './tenant';

/** Who of a tenant gets mail (decisions 5). */
@Entity('tenant_contacts')
export class TenantContactEntity implements Contact {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('uuid')
  id: ContactId;

  @Column('text')
  email: string;

  @Column('text', { nullable: true })
  name: string | null;

  @Column('text')
  role: ContactRole;

  @Column('text')
  locale: string;

  @Column('timestamptz')
  createdAt: Date;
}
