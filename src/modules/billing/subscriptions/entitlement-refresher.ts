import { Injectable, OnModuleInit } from '@nestjs/common';
import type { EventEnvelope } from '../../../contracts/events';
import { PlanId, TenantId } from '../../../contracts/ids';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Lifecycle } from '../../../platform/lifecycle';
import { Logger } from '../../../platform/logger';
import { OnEvent } from '../../../platform/outbox/on-event';
import { RequestContext } from '../../../platform/request-context';
import { EntitlementsService } from '../../entitlements/entitlements.service';
import { SubscriptionChanges } from './subscription-changes';
import { SubscriptionItemsRepository } from './subscription-items.repository';

const EVERY_MS = 1000;
const BATCH = 100;

/**
 * A changed plan reaches every tenant on it: their entitlements are marked in one statement, in the
 * transaction that marks the event, and found out anew in small steps. A crash leaves the marks.
 */
@Injectable()
export class EntitlementRefresher implements OnModuleInit {
  private readonly logger = new Logger('entitlements');
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> | null = null;

  constructor(
    private readonly entitlements: EntitlementsService,
    private readonly items: SubscriptionItemsRepository,
    private readonly changes: SubscriptionChanges,
    private readonly tenantContext: TenantContext,
    private readonly requestContext: RequestContext,
    private readonly lifecycle: Lifecycle,
  ) {}

  onModuleInit(): void {
    this.lifecycle.inBackground('entitlement refresher', () => {
      this.timer = setInterval(() => this.wake(), EVERY_MS);
      this.timer.unref();
    });
    this.lifecycle.onShutdown('workers', 'entitlement refresher', async () => {
      if (this.timer) clearInterval(this.timer);
      await this.running;
    });
  }

  @OnEvent('plan.updated')
  async planChanged(event: EventEnvelope): Promise<void> {
    const planId = event.data.id as PlanId;
    await this.entitlements.markStaleAcrossTenants(
      planId,
      await this.items.tenantsWithPlanAcrossTenants(planId),
    );
  }

  /** Refreshes all that are marked now. */
  async refreshAll(): Promise<void> {
    for (;;) {
      const tenantIds = await this.entitlements.staleAcrossTenants(BATCH);
      let failed = 0;
      for (const tenantId of tenantIds) {
        if (this.lifecycle.isStopping) return;
        failed += (await this.refreshOne(tenantId)) ? 0 : 1;
      }
      // What failed is tried again at the next tick, not in a circle.
      if (failed > 0 || tenantIds.length < BATCH) return;
    }
  }

  private async refreshOne(tenantId: TenantId): Promise<boolean> {
    try {
      await this.tenantContext.run(tenantId, () => this.changes.refresh());
      return true;
    } catch (error) {
      this.logger.error('entitlements.tenant_refresh_failed', error);
      return false;
    }
  }

  private wake(): void {
    this.running ??= this.requestContext
      .run(
        { requestId: 'entitlement-refresher', actor: { kind: 'system', id: 'entitlement-refresher' } },
        () => this.refreshAll(),
      )
      .catch((error) => this.logger.error('entitlements.refresh_failed', error))
      .finally(() => {
        this.running = null;
      });
  }
}
