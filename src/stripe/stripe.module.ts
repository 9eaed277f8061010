import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BillingGateway } from './billing-gateway';
import { DiscountGateway } from './discount-gateway';
import { StripeOperationEntity } from './operations/stripe-operation.entity';
import { StripeOperations } from './operations/stripe-operations';
import { StripeOperationsJobs } from './operations/stripe-operations.jobs';
import { StripeOperationsRepository } from './operations/stripe-operations.repository';
import { PaymentsGateway } from './payments-gateway';
import { ReconciliationGateway } from './reconciliation-gateway';
import { SandboxTime } from './sandbox-time';
import { StripeClient } from './stripe-client';
import { SubscriptionGateway } from './subscription-gateway';
import { TestClocks } from './test-clocks';
import { WebhookVerifier } from './webhook-verifier';

const GATEWAYS = [
  BillingGateway,
  DiscountGateway,
  PaymentsGateway,
  ReconciliationGateway,
  SubscriptionGateway,
];

/** The only room where the Stripe SDK may be; it speaks our words to the others. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([StripeOperationEntity])],
  providers: [
    StripeClient,
    ...GATEWAYS,
    WebhookVerifier,
    StripeOperationsRepository,
    StripeOperations,
    StripeOperationsJobs,
    TestClocks,
    SandboxTime,
  ],
  exports: [StripeClient, ...GATEWAYS, WebhookVerifier, StripeOperations],
})
export class StripeModule {}
