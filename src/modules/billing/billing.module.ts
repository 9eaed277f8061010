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
import { ChangePlanner } from './changes/change-planner';
import { ChangePreview } from './changes/change-preview';
import { ChangesAdminController } from './changes/changes-admin.controller';
import { ChangesController, PortalController } from './changes/changes.controller';
import { PendingPayment } from './changes/pending-payment';
import { PlanChanger } from './changes/plan-changer';
import { ScheduledChangeEntity } from './changes/scheduled-change.entity';
import { ScheduledChangesRepository } from './changes/scheduled-changes.repository';
import { ScheduledChanges } from './changes/scheduled-changes.service';
import { SubscriptionEditor } from './changes/subscription-editor';
import { SubscriptionTurnEntity } from './changes/subscription-turn.entity';
import { SubscriptionTurns } from './changes/subscription-turns.repository';
import { InvoiceEntity, InvoiceLineEntity } from './payments/invoice.entity';
import { InvoiceLinesRepository } from './payments/invoice-lines.repository';
import { InvoiceMirror } from './payments/invoice-mirror';
import { InvoicesRepository } from './payments/invoices.repository';
import { InvoicesService } from './payments/invoices.service';
import { PaymentGraceJobs } from './payments/payment-grace.jobs';
import { PaymentMethods } from './payments/payment-methods.service';
import { PaymentNews } from './payments/payment-news';
import { PaymentStandings } from './payments/payment-standings';
import { InvoicesController, PaymentMethodsController } from './payments/payments.controller';
import { StripeEventEntity } from './stripe-events/stripe-event.entity';
import { StripeEventsController } from './stripe-events/stripe-events.controller';
import { StripeEventsJobs } from './stripe-events/stripe-events.jobs';
import { StripeEventsRepository } from './stripe-events/stripe-events.repository';
import { StripeNews } from './stripe-events/stripe-news';
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
      ScheduledChangeEntity,
      SubscriptionTurnEntity,
      InvoiceEntity,
      InvoiceLineEntity,
    ]),
  ],
  controllers: [
    CheckoutController,
    SubscriptionController,
    ChangesController,
    ChangesAdminController,
    PortalController,
    PaymentMethodsController,
    InvoicesController,
    StripeEventsController,
  ],
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
    StripeNews,
    ChangePlanner,
    ChangePreview,
    PendingPayment,
    PlanChanger,
    SubscriptionEditor,
    ScheduledChangesRepository,
    ScheduledChanges,
    SubscriptionTurns,
    InvoicesRepository,
    InvoiceLinesRepository,
    InvoiceMirror,
    InvoicesService,
    PaymentMethods,
    PaymentNews,
    PaymentStandings,
    PaymentGraceJobs,
    { provide: PlanUsage, useClass: SubscriptionPlanUsage },
    { provide: BilledLines, useClass: SubscriptionBilledLines },
    { provide: Purchases, useClass: SubscriptionPurchases },
  ],
  exports: [SubscriptionsService, PlanUsage, Purchases, BilledLines],
})
export class BillingModule {}
