import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Access } from '../../../platform/http/access';
import { Idempotent } from '../../../platform/http/idempotency.interceptor';
import { CheckoutView, OpenCheckoutDto } from './checkout.dto';
import { CheckoutService } from './checkout.service';

/** Buying: one open checkout per tenant. */
@ApiTags('Subscription')
@Controller('v1/billings/subscription/checkout')
export class CheckoutController {
  constructor(private readonly checkout: CheckoutService) {}

  /** Opens a hosted checkout for a plan; a free plan is in force at once. */
  @Post()
  @Access('billing:write')
  @Idempotent({ resumable: true, money: true })
  open(@Body() wish: OpenCheckoutDto): Promise<CheckoutView> {
    return this.checkout.open(wish);
  }

  /** How a checkout stands: open, complete or expired. */
  @Get(':id')
  @Access('billing:read')
  find(@Param('id') id: string): Promise<CheckoutView> {
    return this.checkout.find(id);
  }
}
