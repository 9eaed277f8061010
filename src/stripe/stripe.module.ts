import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BillingGateway } from './billing-gateway';
import { DiscountGateway } from './discount-gateway';
import { StripeOperationEntity } from './operations/stripe-operation.entity';
import { StripeOperations } from './operations/stripe-operations';
import { StripeOperationsJobs } from './operations/stripe-operations.jobs';
import { StripeOperationsRepository } from './operations/stripe-operations.repository';
import { ReconciliationGateway } from './reconciliation-gateway';
import { SandboxTime } from './sandbox-time';
import { StripeClient } from './stripe-client';
import { TestClocks } from './test-clocks';
import { PaymentsGateway } from './payments-gateway';
import { SubscriptionGateway } from './subscription-gateway';
import { WebhookVerifier } from './webhook-verifier';

/** The only room where the Stripe SDK may be; it speaks our words to the others. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([StripeOperationEntity])],
  providers: [
    StripeClient,
    BillingGateway,
    DiscountGateway,
    ReconciliationGateway,
    WebhookVerifier,
    StripeOperationsRepository,
    StripeOperations,
    StripeOperationsJobs,
    TestClocks,
    SandboxTime,
  ],
  exports: [
    StripeClient,
    BillingGateway,
    DiscountGateway,
    ReconciliationGateway,
    WebhookVerifier,
    StripeOperations,
    SubscriptionGateway,
    PaymentsGateway,
    SubscriptionGateway,
    PaymentsGateway,
  ],
})
export class StripeModule {}
