import { Global, Module } from '@nestjs/common';
import { BillingGateway } from './billing-gateway';
import { DiscountGateway } from './discount-gateway';
import { PaymentsGateway } from './payments-gateway';
import { SandboxTime } from './sandbox-time';
import { StripeClient } from './stripe-client';
import { SubscriptionGateway } from './subscription-gateway';
import { TestClocks } from './test-clocks';
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
    TestClocks,
    SandboxTime,
  ],
  exports: [
    StripeClient,
    BillingGateway,
    DiscountGateway,
    SubscriptionGateway,
    PaymentsGateway,
    WebhookVerifier,
  ],
})
export class StripeModule {}
