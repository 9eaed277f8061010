import { Global, Module } from '@nestjs/common';
import { BillingGateway } from './billing-gateway';
import { DiscountGateway } from './discount-gateway';
import { PaymentsGateway } from './payments-gateway';
import { StripeClient } from './stripe-client';
import { SubscriptionGateway } from './subscription-gateway';
import { WebhookVerifier } from './webhook-verifier';

/** The only room where the Stripe SDK may be; it speaks our words to the others. */
@Global()
@Module({
  providers: [
    StripeClient,
    BillingGateway,
    DiscountGateway,
    SubscriptionGateway,
    PaymentsGateway,
    WebhookVerifier,
  ],
  exports: [
    BillingGateway,
    DiscountGateway,
    SubscriptionGateway,
    PaymentsGateway,
    StripeClient,
    WebhookVerifier,
  ],
})
export class StripeModule {}
