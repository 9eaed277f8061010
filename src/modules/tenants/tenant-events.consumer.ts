import { Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { Logger } from '../../platform/logger';
import { QueueConsumers } from '../../platform/queue-consumer';
import { readTenantMessage } from './tenant-message';
import { TenantsService } from './tenants.service';

/**
 * Tenants that other systems announce on SQS. Each message is handled at least once and makes one tenant, since
 * creation is idempotent on the id.
 */
@Injectable()
export class TenantEventsConsumer implements OnApplicationBootstrap {
  private readonly logger = new Logger('tenants');

  constructor(
    private readonly tenants: TenantsService,
    private readonly consumers: QueueConsumers,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    const url = this.config.aws.tenantQueueUrl;
    if (url) this.consumers.consume({ name: 'tenant-queue', url, handle: (body) => this.create(body) });
  }

  private async create(body: string): Promise<void> {
    const read = readTenantMessage(body);
    if (read.type === 'other') return this.logger.info('tenant_queue.ignored');
    const { tenant, isNew } = await this.tenants.create(read.tenant);
    this.logger.info('tenant_queue.handled', { tenant_id: tenant.id, created: isNew });
  }
}
