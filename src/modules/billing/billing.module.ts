import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EntitlementsModule } from '../entitlements/entitlements.module';
import { Purchases } from '../limits/purchases';
import { BilledLines } from '../usage/reading/billed-lines';
import { PlanUsage } from '../plans/plan-usage';
import { PlansModule } from '../plans/plans.module';
import { TenantsModule } from '../tenants/tenants.module';
import { UsageModule } from '../usage/usage.module';
import { CheckoutCompletion } from './checkout/checkout-completion';
import { CheckoutItems } from './checkout/checkout-items';
import { CheckoutOpener } from './checkout/checkout-opener';
import { CheckoutSessionEntity } from './checkout/checkout-session.entity';
import { CheckoutSessionsRepository } from './checkout/checkout-sessions.repository';
import { CheckoutController } from './checkout/checkout.controller';
import { CheckoutService } from './checkout/checkout.service';
import { CustomersService } from './checkout/customers.service';
import { InvoicedPurchase } from './checkout/invoiced-purchase';
import { StripeOperationEntity } from './operations/stripe-operation.entity';
import { StripeOperations } from './operations/stripe-operations';
import { StripeOperationsRepository } from './operations/stripe-operations.repository';
import { StripeEventEntity } from './stripe-events/stripe-event.entity';
import { StripeEventsController } from './stripe-events/stripe-events.controller';
import { StripeEventsJobs } from './stripe-events/stripe-events.jobs';
import { StripeEventsRepository } from './stripe-events/stripe-events.repository';
import { StripeInbox } from './stripe-events/stripe-inbox.service';
import { SubscriptionBilledLines } from './subscriptions/billed-lines.provider';
import { BillingEntity } from './subscriptions/billing.entity';
import { BillingsRepository } from './subscriptions/billings.repository';
import { EntitlementRefresher } from './subscriptions/entitlement-refresher';
import { FreePlans } from './subscriptions/free-plans';
import { SubscriptionPlanUsage } from './subscriptions/plan-usage.provider';
import { SubscriptionPurchases } from './subscriptions/purchases.provider';
import { StripeStatusReader } from './subscriptions/stripe-status-reader';
import { SubscriptionChanges } from './subscriptions/subscription-changes';
import { SubscriptionItemEntity } from './subscriptions/subscription-item.entity';
import { SubscriptionItemsRepository } from './subscriptions/subscription-items.repository';
import { SubscriptionSync } from './subscriptions/subscription-sync';
import { SubscriptionController } from './subscriptions/subscription.controller';
import { SubscriptionsService } from './subscriptions/subscriptions.service';

/** What tenants buy: checkout, the subscription mirrored from Stripe, and Stripe's inbox. */
@Global()
@Module({
  imports: [
    PlansModule,
    TenantsModule,
    EntitlementsModule,
    UsageModule,
    TypeOrmModule.forFeature([
      BillingEntity,
      SubscriptionItemEntity,
      CheckoutSessionEntity,
      StripeOperationEntity,
      StripeEventEntity,
    ]),
  ],
  controllers: [CheckoutController, SubscriptionController, StripeEventsController],
  providers: [
    BillingsRepository,
    SubscriptionItemsRepository,
    SubscriptionChanges,
    SubscriptionSync,
    SubscriptionsService,
    StripeStatusReader,
    FreePlans,
    EntitlementRefresher,
    CheckoutSessionsRepository,
    CheckoutItems,
    CheckoutOpener,
    InvoicedPurchase,
    CheckoutService,
    CheckoutCompletion,
    CustomersService,
    StripeOperationsRepository,
    StripeOperations,
    StripeEventsRepository,
    StripeInbox,
    StripeEventsJobs,
    { provide: PlanUsage, useClass: SubscriptionPlanUsage },
    { provide: BilledLines, useClass: SubscriptionBilledLines },
    { provide: Purchases, useClass: SubscriptionPurchases },
  ],
  exports: [SubscriptionsService, PlanUsage, Purchases, BilledLines],
})
export class BillingModule {}
