import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BillingError } from '../../../contracts/errors';
import { Clock } from '../../../platform/clock';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Access } from '../../../platform/http/access';
import { Idempotent } from '../../../platform/http/idempotency.interceptor';
import { SubscriptionView } from '../subscriptions/subscription.dto';
import { SubscriptionsService } from '../subscriptions/subscriptions.service';
import { ChangePreview } from './change-preview';
import { oneOf, toDowngrade } from './changes.controller';
import {
  CancelDto,
  ChangePreviewView,
  SubscriptionQuantityDto,
  DowngradeDto,
  PauseDto,
  PreviewChangeDto,
  UpgradeDto,
} from './changes.dto';
import { PlanChanger } from './plan-changer';
import { SubscriptionEditor } from './subscription-editor';

/** The same changes, by operators, for the live subscription of any tenant. */
@ApiTags('Admin: subscriptions')
@Controller('v1/subscriptions/:id')
export class ChangesAdminController {
  constructor(
    private readonly preview: ChangePreview,
    private readonly changer: PlanChanger,
    private readonly editor: SubscriptionEditor,
    private readonly subscriptions: SubscriptionsService,
    private readonly tenantContext: TenantContext,
    private readonly clock: Clock,
  ) {}

  /** Everything about a subscription. */
  @Get()
  @Access('admin:subscriptions')
  view(@Param('id') id: string): Promise<SubscriptionView> {
    return this.changed(id, () => Promise.resolve());
  }

  /** What a change would cost and do. Changes nothing. */
  @Post('upgrade/preview')
  @HttpCode(200)
  @Access('admin:subscriptions')
  @Idempotent({ resumable: true })
  previewChange(@Param('id') id: string, @Body() wish: PreviewChangeDto): Promise<ChangePreviewView> {
    return this.ofTenant(id, () => this.preview.of(wish));
  }

  /** Changes to a larger plan now and charges the difference. */
  @Post('upgrade')
  @HttpCode(200)
  @Access('admin:subscriptions')
  @Idempotent({ resumable: true, money: true })
  upgrade(@Param('id') id: string, @Body() wish: UpgradeDto): Promise<SubscriptionView> {
    const { plan_id: planId, quantity, proration_date } = wish;
    const prorationDate = proration_date === undefined ? undefined : new Date(proration_date);
    return this.changed(id, () => this.changer.upgrade({ planId, quantity, prorationDate }));
  }

  /** Changes to a smaller plan, at the end of the period unless said. */
  @Post('downgrade')
  @HttpCode(200)
  @Access('admin:subscriptions')
  @Idempotent({ resumable: true, money: true })
  downgrade(@Param('id') id: string, @Body() wish: DowngradeDto): Promise<SubscriptionView> {
    return this.changed(id, () => this.changer.downgrade(toDowngrade(wish, this.clock.now())));
  }

  /** Takes back a downgrade that waits. */
  @Delete('downgrade')
  @Access('admin:subscriptions')
  cancelDowngrade(@Param('id') id: string): Promise<SubscriptionView> {
    return this.changed(id, () => this.changer.cancelDowngrade());
  }

  /** Ends the subscription, with its period unless said. */
  @Post('cancel')
  @HttpCode(200)
  @Access('admin:subscriptions')
  @Idempotent({ resumable: true })
  cancel(@Param('id') id: string, @Body() wish: CancelDto): Promise<SubscriptionView> {
    return this.changed(id, () => this.editor.cancel(wish));
  }

  /** Takes back an end that has not come yet. */
  @Post('reactivate')
  @HttpCode(200)
  @Access('admin:subscriptions')
  @Idempotent({ resumable: true })
  reactivate(@Param('id') id: string): Promise<SubscriptionView> {
    return this.changed(id, () => this.editor.reactivate());
  }

  /** Pauses the subscription, with or without access. */
  @Post('pause')
  @HttpCode(200)
  @Access('admin:subscriptions')
  @Idempotent({ resumable: true })
  pause(@Param('id') id: string, @Body() wish: PauseDto): Promise<SubscriptionView> {
    return this.changed(id, () => this.editor.pause(wish));
  }

  /** Ends a pause. */
  @Post('resume')
  @HttpCode(200)
  @Access('admin:subscriptions')
  @Idempotent({ resumable: true, money: true })
  resume(@Param('id') id: string): Promise<SubscriptionView> {
    return this.changed(id, () => this.editor.resume());
  }

  /** Sets the number of pieces, or adds to it. */
  @Patch('quantity')
  @Access('admin:subscriptions')
  @Idempotent({ resumable: true, money: true })
  changeQuantity(
    @Param('id') id: string,
    @Body() change: SubscriptionQuantityDto,
  ): Promise<SubscriptionView> {
    return this.changed(id, () => this.changer.changeQuantity(oneOf(change)));
  }

  private changed(id: string, change: () => Promise<void>): Promise<SubscriptionView> {
    return this.ofTenant(id, async () => {
      await change();
      return this.subscriptions.view();
    });
  }

  /** @throws BillingError not_found for an unknown subscription, and for one that is past */
  private async ofTenant<T>(id: string, work: () => Promise<T>): Promise<T> {
    const tenantId = await this.subscriptions.tenantOfLiveAcrossTenants(id);
    if (!tenantId) throw new BillingError('not_found');
    return this.tenantContext.run(tenantId, work);
  }
}
