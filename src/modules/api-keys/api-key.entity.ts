import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ApiKeyId, TenantId } from '../../contracts/ids';
import type { KeyKind, Scope } from '../../contracts/permissions';
import type { StoredApiKey } from './api-key';

/** A credential we issued. Of its secret only the SHA-256 digest is kept. */
@Entity('api_keys')
export class ApiKeyEntity implements StoredApiKey {
  @PrimaryColumn('uuid')
  id: ApiKeyId;

  @Column('uuid', { nullable: true })
  tenantId: TenantId | null;

  @Column('text')
  kind: KeyKind;

  @Column('text')
  name: string;

  @Column('text')
  publicId: string;

  @Column('bytea')
  secretHash: Buffer;

  @Column('text', { array: true })
  scopes: Scope[];

  @Column('uuid', { array: true, nullable: true })
  tenantIds: TenantId[] | null;

  @Column('timestamptz', { nullable: true })
  expiresAt: Date | null;

  @Column('timestamptz', { nullable: true })
  revokedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  lastUsedAt: Date | null;

  @Column('timestamptz')
  createdAt: Date;
}
