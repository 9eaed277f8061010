import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Access } from '../../../platform/http/access';
import { SubscriptionView } from './subscription.dto';
import { SubscriptionsService } from './subscriptions.service';

/** What the tenant has bought and may use. */
@ApiTags('Subscription')
@Controller('v1/billings/subscription')
export class SubscriptionController {
  constructor(private readonly subscriptions: SubscriptionsService) {}

  /** The single source of truth for a tenant; answers also while Stripe is away. */
  @Get()
  @Access('billing:read')
  view(): Promise<SubscriptionView> {
    return this.subscriptions.view();
  }
}
