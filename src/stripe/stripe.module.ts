import { Global, Module } from '@nestjs/common';
import { BillingGateway } from './billing-gateway';
import { DiscountGateway } from './discount-gateway';
import { StripeClient } from './stripe-client';
import { WebhookVerifier } from './webhook-verifier';

/** The only room where the Stripe SDK may be; it speaks our words to the others. */
@Global()
@Module({
  providers: [StripeClient, BillingGateway, DiscountGateway, WebhookVerifier],
  exports: [StripeClient, BillingGateway, DiscountGateway, WebhookVerifier],
})
export class StripeModule {}
