import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BillingError } from '../../../contracts/errors';
import { isUuid } from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { Access } from '../../../platform/http/access';
import { Idempotent } from '../../../platform/http/idempotency.interceptor';
import { SubscriptionView } from '../subscriptions/subscription.dto';
import { SubscriptionsService } from '../subscriptions/subscriptions.service';
import type { ChangeWish } from './change-planner';
import { ChangePreview } from './change-preview';
import {
  AddItemDto,
  CancelDto,
  ChangeItemDto,
  ChangePreviewView,
  SubscriptionQuantityDto,
  DowngradeDto,
  OpenPortalDto,
  PauseDto,
  PortalView,
  PreviewChangeDto,
  ScheduledChangesView,
  UpgradeDto,
} from './changes.dto';
import { futureMoment } from './future-moment';
import { PlanChanger } from './plan-changer';
import { ScheduledChanges } from './scheduled-changes.service';
import { SubscriptionEditor } from './subscription-editor';

/** Changes of a running subscription. Each answers with what is in force when it returns. */
@ApiTags('Subscription')
@Controller('v1/billings/subscription')
export class ChangesController {
  constructor(
    private readonly preview: ChangePreview,
    private readonly changer: PlanChanger,
    private readonly editor: SubscriptionEditor,
    private readonly scheduled: ScheduledChanges,
    private readonly subscriptions: SubscriptionsService,
    private readonly clock: Clock,
  ) {}

  /** What a change would cost and do. Changes nothing. */
  @Post('upgrade/preview')
  @HttpCode(200)
  @Access('billing:read')
  @Idempotent({ resumable: true })
  previewChange(@Body() wish: PreviewChangeDto): Promise<ChangePreviewView> {
    return this.preview.of(wish);
  }

  /** Changes to a larger plan now and charges the difference. */
  @Post('upgrade')
  @HttpCode(200)
  @Access('billing:write')
  @Idempotent({ resumable: true, money: true })
  async upgrade(@Body() { plan_id, quantity, proration_date }: UpgradeDto): Promise<SubscriptionView> {
    const prorationDate = proration_date === undefined ? undefined : new Date(proration_date);
    await this.changer.upgrade({ planId: plan_id, quantity, prorationDate });
    return this.subscriptions.view();
  }

  /** Changes to a smaller plan, at the end of the period unless said. */
  @Post('downgrade')
  @HttpCode(200)
  @Access('billing:write')
  @Idempotent({ resumable: true, money: true })
  async downgrade(@Body() wish: DowngradeDto): Promise<SubscriptionView> {
    await this.changer.downgrade(toDowngrade(wish, this.clock.now()));
    return this.subscriptions.view();
  }

  /** Takes back a downgrade that waits. */
  @Delete('downgrade')
  @Access('billing:write')
  async cancelDowngrade(): Promise<SubscriptionView> {
    await this.changer.cancelDowngrade();
    return this.subscriptions.view();
  }

  /** Ends the subscription, with its period unless said. */
  @Post('cancel')
  @HttpCode(200)
  @Access('billing:write')
  @Idempotent({ resumable: true })
  async cancel(@Body() wish: CancelDto): Promise<SubscriptionView> {
    await this.editor.cancel(wish);
    return this.subscriptions.view();
  }

  /** Takes back an end that has not come yet. */
  @Post('reactivate')
  @HttpCode(200)
  @Access('billing:write')
  @Idempotent({ resumable: true })
  async reactivate(): Promise<SubscriptionView> {
    await this.editor.reactivate();
    return this.subscriptions.view();
  }

  /** Pauses the subscription, with or without access. */
  @Post('pause')
  @HttpCode(200)
  @Access('billing:write')
  @Idempotent({ resumable: true })
  async pause(@Body() wish: PauseDto): Promise<SubscriptionView> {
    await this.editor.pause(wish);
    return this.subscriptions.view();
  }

  /** Ends a pause. */
  @Post('resume')
  @HttpCode(200)
  @Access('billing:write')
  @Idempotent({ resumable: true, money: true })
  async resume(): Promise<SubscriptionView> {
    await this.editor.resume();
    return this.subscriptions.view();
  }

  /** What waits for its day, the soonest first. */
  @Get('scheduled-changes')
  @Access('billing:read')
  async scheduledChanges(): Promise<ScheduledChangesView> {
    return { data: await this.scheduled.list() };
  }

  /** Takes back a change that waits. */
  @Delete('scheduled-changes/:id')
  @Access('billing:write')
  async cancelScheduled(@Param('id') id: string): Promise<SubscriptionView> {
    if (!isUuid(id)) throw new BillingError('not_found');
    await this.scheduled.cancel(id);
    return this.subscriptions.view();
  }

  /** Sets the number of pieces, or adds to it. */
  @Patch('quantity')
  @Access('billing:write')
  @Idempotent({ resumable: true, money: true })
  async changeQuantity(@Body() change: SubscriptionQuantityDto): Promise<SubscriptionView> {
    await this.changer.changeQuantity(oneOf(change));
    return this.subscriptions.view();
  }

  /** Adds an item: an add-on plan or a price. */
  @Post('items')
  @Access('billing:write')
  @Idempotent({ resumable: true, money: true })
  async addItem(@Body() wish: AddItemDto): Promise<SubscriptionView> {
    await this.editor.addItem(wish);
    return this.subscriptions.view();
  }

  /** Changes the quantity of a further item. */
  @Patch('items/:id')
  @Access('billing:write')
  @Idempotent({ resumable: true, money: true })
  async changeItem(@Param('id') id: string, @Body() change: ChangeItemDto): Promise<SubscriptionView> {
    await this.editor.changeItemQuantity(id, change);
    return this.subscriptions.view();
  }

  /** Takes a further item off. */
  @Delete('items/:id')
  @Access('billing:write')
  async removeItem(@Param('id') id: string): Promise<SubscriptionView> {
    await this.editor.removeItem(id);
    return this.subscriptions.view();
  }
}

/** @throws BillingError validation_failed for a day that is past or too far away */
export function toDowngrade(
  { plan_id: planId, quantity, effective, effective_at }: DowngradeDto,
  now: Date,
): ChangeWish {
  const appliesAt = futureMoment(effective_at, 'effective_at', now) ?? undefined;
  return { planId, quantity, effective, appliesAt };
}

/** @throws BillingError validation_failed unless exactly one is named */
export function oneOf({ quantity, add }: SubscriptionQuantityDto): { quantity: number } | { add: number } {
  if (quantity !== undefined && add === undefined) return { quantity };
  if (add !== undefined && quantity === undefined) return { add };
  throw new BillingError('validation_failed', {
    errors: [{ pointer: '/quantity', code: 'exactly_one', message: 'Name either quantity or add.' }],
  });
}

/** Stripe's own pages for a tenant. */
@ApiTags('Subscription')
@Controller('v1/billings/portal')
export class PortalController {
  constructor(private readonly editor: SubscriptionEditor) {}

  /** Opens Stripe's billing portal for the tenant. */
  @Post()
  @Access('billing:write')
  @Idempotent({ resumable: true })
  async open(@Body() { return_url }: OpenPortalDto): Promise<PortalView> {
    return { url: await this.editor.portal(return_url) };
  }
}
