import type Stripe from 'stripe';

/**
 * Every operation of the sandbox with the parameters Stripe's own types give it.
 *
 * `generate-parameters.ts` reads this interface to make `parameters.generated.json`; `routes.ts` must have a
 * handler for each member, so the two can not drift apart.
 */
export interface OperationParameters {
  'POST /v1/customers': Stripe.CustomerCreateParams;
  'GET /v1/customers': Stripe.CustomerListParams;
  'GET /v1/customers/:id': Stripe.CustomerRetrieveParams;
  'POST /v1/customers/:id': Stripe.CustomerUpdateParams;
  'DELETE /v1/customers/:id': Stripe.CustomerDeleteParams;
  'GET /v1/customers/:id/payment_methods': Stripe.CustomerListPaymentMethodsParams;

  'POST /v1/products': Stripe.ProductCreateParams;
  'GET /v1/products': Stripe.ProductListParams;
  'GET /v1/products/:id': Stripe.ProductRetrieveParams;
  'POST /v1/products/:id': Stripe.ProductUpdateParams;
  'DELETE /v1/products/:id': Stripe.ProductDeleteParams;

  'POST /v1/prices': Stripe.PriceCreateParams;
  'GET /v1/prices': Stripe.PriceListParams;
  'GET /v1/prices/:id': Stripe.PriceRetrieveParams;
  'POST /v1/prices/:id': Stripe.PriceUpdateParams;

  'POST /v1/billing/meters': Stripe.Billing.MeterCreateParams;
  'GET /v1/billing/meters': Stripe.Billing.MeterListParams;
  'GET /v1/billing/meters/:id': Stripe.Billing.MeterRetrieveParams;
  'POST /v1/billing/meters/:id': Stripe.Billing.MeterUpdateParams;
  'POST /v1/billing/meters/:id/deactivate': Stripe.Billing.MeterDeactivateParams;
  'POST /v1/billing/meters/:id/reactivate': Stripe.Billing.MeterReactivateParams;
  'GET /v1/billing/meters/:id/event_summaries': Stripe.Billing.MeterListEventSummariesParams;
  'POST /v1/refunds': Stripe.RefundCreateParams;
  'GET /v1/refunds': Stripe.RefundListParams;
  'GET /v1/refunds/:id': Stripe.RefundRetrieveParams;
  'POST /v1/refunds/:id': Stripe.RefundUpdateParams;
  'GET /v1/disputes': Stripe.DisputeListParams;
  'GET /v1/disputes/:id': Stripe.DisputeRetrieveParams;
  'POST /v1/disputes/:id/close': Stripe.DisputeCloseParams;
  'POST /v1/credit_notes': Stripe.CreditNoteCreateParams;
  'GET /v1/credit_notes': Stripe.CreditNoteListParams;
  'GET /v1/credit_notes/preview': Stripe.CreditNotePreviewParams;
  'GET /v1/credit_notes/:id': Stripe.CreditNoteRetrieveParams;
  'POST /v1/credit_notes/:id': Stripe.CreditNoteUpdateParams;
  'POST /v1/credit_notes/:id/void': Stripe.CreditNoteVoidCreditNoteParams;
  'GET /v1/credit_notes/:id/lines': Stripe.CreditNoteListLineItemsParams;
  'POST /v1/billing_portal/configurations': Stripe.BillingPortal.ConfigurationCreateParams;
  'GET /v1/billing_portal/configurations': Stripe.BillingPortal.ConfigurationListParams;
  'GET /v1/billing_portal/configurations/:id': Stripe.BillingPortal.ConfigurationRetrieveParams;
  'POST /v1/billing_portal/configurations/:id': Stripe.BillingPortal.ConfigurationUpdateParams;
  'POST /v1/billing_portal/sessions': Stripe.BillingPortal.SessionCreateParams;

  'POST /v1/billing/meter_events': Stripe.Billing.MeterEventCreateParams;
  'POST /v1/billing/meter_event_adjustments': Stripe.Billing.MeterEventAdjustmentCreateParams;

  'POST /v1/coupons': Stripe.CouponCreateParams;
  'GET /v1/coupons': Stripe.CouponListParams;
  'GET /v1/coupons/:id': Stripe.CouponRetrieveParams;
  'POST /v1/coupons/:id': Stripe.CouponUpdateParams;
  'DELETE /v1/coupons/:id': Stripe.CouponDeleteParams;

  'POST /v1/promotion_codes': Stripe.PromotionCodeCreateParams;
  'GET /v1/promotion_codes': Stripe.PromotionCodeListParams;
  'GET /v1/promotion_codes/:id': Stripe.PromotionCodeRetrieveParams;
  'POST /v1/promotion_codes/:id': Stripe.PromotionCodeUpdateParams;

  'POST /v1/payment_methods': Stripe.PaymentMethodCreateParams;
  'GET /v1/payment_methods': Stripe.PaymentMethodListParams;
  'GET /v1/payment_methods/:id': Stripe.PaymentMethodRetrieveParams;
  'POST /v1/payment_methods/:id': Stripe.PaymentMethodUpdateParams;
  'POST /v1/payment_methods/:id/attach': Stripe.PaymentMethodAttachParams;
  'POST /v1/payment_methods/:id/detach': Stripe.PaymentMethodDetachParams;

  'POST /v1/setup_intents': Stripe.SetupIntentCreateParams;
  'GET /v1/setup_intents': Stripe.SetupIntentListParams;
  'GET /v1/setup_intents/:id': Stripe.SetupIntentRetrieveParams;
  'POST /v1/setup_intents/:id/confirm': Stripe.SetupIntentConfirmParams;
  'POST /v1/setup_intents/:id/cancel': Stripe.SetupIntentCancelParams;

  'GET /v1/payment_intents': Stripe.PaymentIntentListParams;
  'GET /v1/payment_intents/:id': Stripe.PaymentIntentRetrieveParams;

  'GET /v1/charges': Stripe.ChargeListParams;
  'GET /v1/charges/:id': Stripe.ChargeRetrieveParams;

  'POST /v1/checkout/sessions': Stripe.Checkout.SessionCreateParams;
  'GET /v1/checkout/sessions': Stripe.Checkout.SessionListParams;
  'GET /v1/checkout/sessions/:id': Stripe.Checkout.SessionRetrieveParams;
  'POST /v1/checkout/sessions/:id': Stripe.Checkout.SessionUpdateParams;
  'POST /v1/checkout/sessions/:id/expire': Stripe.Checkout.SessionExpireParams;
  'GET /v1/checkout/sessions/:id/line_items': Stripe.Checkout.SessionListLineItemsParams;

  'POST /v1/subscriptions': Stripe.SubscriptionCreateParams;
  'GET /v1/subscriptions': Stripe.SubscriptionListParams;
  'GET /v1/subscriptions/:id': Stripe.SubscriptionRetrieveParams;
  'POST /v1/subscriptions/:id': Stripe.SubscriptionUpdateParams;
  'DELETE /v1/subscriptions/:id': Stripe.SubscriptionCancelParams;
  'DELETE /v1/subscriptions/:id/discount': Stripe.SubscriptionDeleteDiscountParams;
  'POST /v1/subscriptions/:id/pause': Stripe.SubscriptionPauseParams;
  'POST /v1/subscriptions/:id/resume': Stripe.SubscriptionResumeParams;

  'POST /v1/subscription_items': Stripe.SubscriptionItemCreateParams;
  'POST /v1/subscription_items/:id': Stripe.SubscriptionItemUpdateParams;
  'DELETE /v1/subscription_items/:id': Stripe.SubscriptionItemDeleteParams;

  'POST /v1/subscription_schedules': Stripe.SubscriptionScheduleCreateParams;
  'GET /v1/subscription_schedules': Stripe.SubscriptionScheduleListParams;
  'GET /v1/subscription_schedules/:id': Stripe.SubscriptionScheduleRetrieveParams;
  'POST /v1/subscription_schedules/:id': Stripe.SubscriptionScheduleUpdateParams;
  'POST /v1/subscription_schedules/:id/release': Stripe.SubscriptionScheduleReleaseParams;
  'POST /v1/subscription_schedules/:id/cancel': Stripe.SubscriptionScheduleCancelParams;

  'GET /v1/subscription_items': Stripe.SubscriptionItemListParams;
  'GET /v1/subscription_items/:id': Stripe.SubscriptionItemRetrieveParams;

  'GET /v1/invoices': Stripe.InvoiceListParams;
  'GET /v1/invoices/:id': Stripe.InvoiceRetrieveParams;
  'POST /v1/invoices/:id/pay': Stripe.InvoicePayParams;
  'GET /v1/invoices/:id/lines': Stripe.InvoiceListLineItemsParams;
  'POST /v1/invoices': Stripe.InvoiceCreateParams;
  'POST /v1/invoices/create_preview': Stripe.InvoiceCreatePreviewParams;
  'POST /v1/invoices/:id': Stripe.InvoiceUpdateParams;
  'POST /v1/invoices/:id/finalize': Stripe.InvoiceFinalizeInvoiceParams;
  'POST /v1/invoices/:id/void': Stripe.InvoiceVoidInvoiceParams;
  'POST /v1/invoices/:id/mark_uncollectible': Stripe.InvoiceMarkUncollectibleParams;
  'DELETE /v1/invoices/:id': Stripe.InvoiceDeleteParams;

  'POST /v1/invoiceitems': Stripe.InvoiceItemCreateParams;
  'GET /v1/invoiceitems': Stripe.InvoiceItemListParams;
  'GET /v1/invoiceitems/:id': Stripe.InvoiceItemRetrieveParams;
  'POST /v1/invoiceitems/:id': Stripe.InvoiceItemUpdateParams;
  'DELETE /v1/invoiceitems/:id': Stripe.InvoiceItemDeleteParams;

  'POST /v1/test_helpers/test_clocks': Stripe.TestHelpers.TestClockCreateParams;
  'GET /v1/test_helpers/test_clocks': Stripe.TestHelpers.TestClockListParams;
  'GET /v1/test_helpers/test_clocks/:id': Stripe.TestHelpers.TestClockRetrieveParams;
  'POST /v1/test_helpers/test_clocks/:id/advance': Stripe.TestHelpers.TestClockAdvanceParams;
  'DELETE /v1/test_helpers/test_clocks/:id': Stripe.TestHelpers.TestClockDeleteParams;

  'GET /v1/invoice_payments': Stripe.InvoicePaymentListParams;
  'GET /v1/invoice_payments/:id': Stripe.InvoicePaymentRetrieveParams;

  'GET /v1/events': Stripe.EventListParams;
  'GET /v1/events/:id': Stripe.EventRetrieveParams;

  'POST /v1/webhook_endpoints': Stripe.WebhookEndpointCreateParams;
  'GET /v1/webhook_endpoints': Stripe.WebhookEndpointListParams;
  'GET /v1/webhook_endpoints/:id': Stripe.WebhookEndpointRetrieveParams;
  'POST /v1/webhook_endpoints/:id': Stripe.WebhookEndpointUpdateParams;
  'DELETE /v1/webhook_endpoints/:id': Stripe.WebhookEndpointDeleteParams;
}

export type Operation = keyof OperationParameters;

/** Everything the sandbox answers with; contract tests make a schema of each and check every answer. */
export interface ReturnedObjects {
  customer: Stripe.Customer;
  deleted_customer: Stripe.DeletedCustomer;
  product: Stripe.Product;
  deleted_product: Stripe.DeletedProduct;
  price: Stripe.Price;
  'billing.meter': Stripe.Billing.Meter;
  refund: Stripe.Refund;
  dispute: Stripe.Dispute;
  credit_note: Stripe.CreditNote;
  credit_note_line_item: Stripe.CreditNoteLineItem;
  'billing_portal.configuration': Stripe.BillingPortal.Configuration;
  'billing_portal.session': Stripe.BillingPortal.Session;
  'billing.meter_event': Stripe.Billing.MeterEvent;
  'billing.meter_event_adjustment': Stripe.Billing.MeterEventAdjustment;
  'billing.meter_event_summary': Stripe.Billing.MeterEventSummary;
  'v2.billing.meter_event': Stripe.V2.Billing.MeterEvent;
  coupon: Stripe.Coupon;
  deleted_coupon: Stripe.DeletedCoupon;
  promotion_code: Stripe.PromotionCode;
  payment_method: Stripe.PaymentMethod;
  setup_intent: Stripe.SetupIntent;
  payment_intent: Stripe.PaymentIntent;
  charge: Stripe.Charge;
  'checkout.session': Stripe.Checkout.Session;
  item: Stripe.LineItem;
  subscription: Stripe.Subscription;
  subscription_item: Stripe.SubscriptionItem;
  discount: Stripe.Discount;
  deleted_discount: Stripe.DeletedDiscount;
  invoice: Stripe.Invoice;
  deleted_invoice: Stripe.DeletedInvoice;
  invoiceitem: Stripe.InvoiceItem;
  deleted_invoiceitem: Stripe.DeletedInvoiceItem;
  deleted_subscription_item: Stripe.DeletedSubscriptionItem;
  subscription_schedule: Stripe.SubscriptionSchedule;
  'test_helpers.test_clock': Stripe.TestHelpers.TestClock;
  'deleted_test_helpers.test_clock': Stripe.TestHelpers.DeletedTestClock;
  line_item: Stripe.InvoiceLineItem;
  invoice_payment: Stripe.InvoicePayment;
  event: Stripe.EventBase;
  webhook_endpoint: Stripe.WebhookEndpoint;
  deleted_webhook_endpoint: Stripe.DeletedWebhookEndpoint;
}
