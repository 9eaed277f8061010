import { Injectable } from '@nestjs/common';
import type { TenantId } from '../../contracts/ids';
import { Database } from '../../platform/database/database';
import { SharedRepository } from '../../platform/database/shared-repository';
import { ApiKey, StoredApiKey } from './api-key';
import { ApiKeyEntity } from './api-key.entity';

/** Where a page of keys goes on: after this key, newest first. */
export interface KeyPosition {
  createdAt: string;
  id: string;
}

/** Keys are read before any tenant is known, so every method looks across tenants. */
@Injectable()
export class ApiKeysRepository extends SharedRepository<ApiKeyEntity> {
  constructor(database: Database) {
    super(ApiKeyEntity, database);
  }

  findByPublicIdAcrossTenants(publicId: string): Promise<StoredApiKey | null> {
    return this.acrossTenants(() => this.findOne({ publicId }));
  }

  findAcrossTenants(id: string): Promise<ApiKey | null> {
    return this.acrossTenants(() => this.findOne({ id: id as ApiKey['id'] }));
  }

  /** Holds the key's row until the running transaction ends. */
  lockAcrossTenants(id: string): Promise<ApiKey | null> {
    return this.acrossTenants(() => this.lockOne({ id: id as ApiKey['id'] }));
  }

  addAcrossTenants(key: StoredApiKey): Promise<void> {
    return this.acrossTenants(() => this.add(key));
  }

  async markRevokedAcrossTenants(id: ApiKey['id'], at: Date): Promise<void> {
    await this.acrossTenants(() => this.update({ id }, { revokedAt: at }));
  }

  /** Remembers that the key was used, at most once a minute. */
  async markUsedAcrossTenants(id: ApiKey['id'], at: Date): Promise<void> {
    await this.acrossTenants(() =>
      this.sql(
        `update api_keys set last_used_at = $2
         where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')`,
        id,
        at,
      ),
    );
  }

  /** Newest first, one more than asked so that the page knows whether it is the last. */
  pageAcrossTenants(tenantId: TenantId | null, after: KeyPosition | null, limit: number): Promise<ApiKey[]> {
    return this.acrossTenants((manager) => {
      const query = manager
        .createQueryBuilder(ApiKeyEntity, 'key')
        .orderBy('key.createdAt', 'DESC')
        .addOrderBy('key.id', 'DESC')
        .take(limit + 1);
      if (tenantId) query.andWhere('key.tenantId = :tenantId', { tenantId });
      if (after)
        query.andWhere(
          '(key.createdAt, key.id) < (cast(:createdAt as timestamptz), cast(:id as uuid))',
          after,
        );
      return query.getMany();
    });
  }
}
