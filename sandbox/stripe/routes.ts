import type { Handler } from './call';
import type { Operation, OperationParameters } from './operations';
import {
  createSession,
  expireSessionNow,
  listSessionLineItems,
  listSessions,
  retrieveSession,
  updateSession,
} from './resources/checkout-sessions';
import { createCoupon, deleteCoupon, listCoupons, retrieveCoupon, updateCoupon } from './resources/coupons';
import {
  createCreditNote,
  listCreditNoteLines,
  listCreditNotes,
  previewCreditNote,
  retrieveCreditNote,
  updateCreditNote,
  voidCreditNote,
} from './resources/credit-notes';
import { closeDispute, listDisputes, retrieveDispute } from './resources/disputes';
import {
  createPortalConfiguration,
  createPortalSession,
  listPortalConfigurations,
  retrievePortalConfiguration,
  updatePortalConfiguration,
} from './resources/portal';
import { createRefund, listRefunds, retrieveRefund, updateRefund } from './resources/refunds';
import {
  createCustomer,
  deleteCustomer,
  listCustomers,
  retrieveCustomer,
  updateCustomer,
} from './resources/customers';
import { listEvents, retrieveEvent } from './resources/events';
import {
  createInvoiceItem,
  deleteInvoiceItem,
  listInvoiceItems,
  retrieveInvoiceItem,
  updateInvoiceItem,
} from './resources/invoice-items';
import { createPreview } from './resources/invoice-preview';
import {
  createInvoice,
  deleteInvoice,
  finalizeInvoiceNow,
  markInvoiceUncollectible,
  updateInvoice,
  voidInvoiceNow,
} from './resources/invoice-writes';
import {
  listInvoiceLines,
  listInvoicePayments,
  listInvoices,
  payInvoice,
  retrieveInvoice,
  retrieveInvoicePayment,
} from './resources/invoices';
import {
  createMeterEvent,
  createMeterEventAdjustment,
  listMeterEventSummaries,
} from './resources/meter-events';
import {
  createMeter,
  deactivateMeter,
  listMeters,
  reactivateMeter,
  retrieveMeter,
  updateMeter,
} from './resources/meters';
import {
  attachPaymentMethod,
  createPaymentMethod,
  detachPaymentMethod,
  listCustomerPaymentMethods,
  listPaymentMethods,
  retrievePaymentMethod,
  updatePaymentMethod,
} from './resources/payment-methods';
import {
  listCharges,
  listPaymentIntents,
  retrieveCharge,
  retrievePaymentIntent,
} from './resources/payment-reads';
import { createPrice, listPrices, retrievePrice, updatePrice } from './resources/prices';
import {
  createProduct,
  deleteProduct,
  listProducts,
  retrieveProduct,
  updateProduct,
} from './resources/products';
import {
  createPromotionCode,
  listPromotionCodes,
  retrievePromotionCode,
  updatePromotionCode,
} from './resources/promotion-codes';
import {
  cancelSetupIntent,
  confirmSetupIntent,
  createSetupIntent,
  listSetupIntents,
  retrieveSetupIntent,
} from './resources/setup-intents';
import { createSubscription } from './resources/subscription-create';
import {
  createSubscriptionItem,
  deleteSubscriptionItem,
  listSubscriptionItems,
  retrieveSubscriptionItem,
  updateSubscriptionItem,
} from './resources/subscription-items';
import { pauseSubscription, resumeSubscription } from './resources/subscription-pause';
import {
  cancelSchedule,
  createSchedule,
  listSchedules,
  releaseScheduleNow,
  retrieveSchedule,
  updateSchedule,
} from './resources/subscription-schedules';
import {
  cancelSubscription,
  deleteSubscriptionDiscount,
  listSubscriptions,
  retrieveSubscription,
  updateSubscription,
} from './resources/subscriptions';
import {
  advanceTestClock,
  createTestClock,
  deleteTestClock,
  listTestClocks,
  retrieveTestClock,
} from './resources/test-clocks';
import {
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  listWebhookEndpoints,
  retrieveWebhookEndpoint,
  updateWebhookEndpoint,
} from './resources/webhook-endpoints';

/** Which function executes which operation. The type asks for every operation, and for the right parameters. */
const HANDLERS: { [O in Operation]: Handler<OperationParameters[O]> } = {
  'POST /v1/customers': createCustomer,
  'GET /v1/customers': listCustomers,
  'GET /v1/customers/:id': retrieveCustomer,
  'POST /v1/customers/:id': updateCustomer,
  'DELETE /v1/customers/:id': deleteCustomer,
  'GET /v1/customers/:id/payment_methods': listCustomerPaymentMethods,
  'POST /v1/products': createProduct,
  'GET /v1/products': listProducts,
  'GET /v1/products/:id': retrieveProduct,
  'POST /v1/products/:id': updateProduct,
  'DELETE /v1/products/:id': deleteProduct,
  'POST /v1/prices': createPrice,
  'GET /v1/prices': listPrices,
  'GET /v1/prices/:id': retrievePrice,
  'POST /v1/prices/:id': updatePrice,
  'POST /v1/billing/meters': createMeter,
  'GET /v1/billing/meters': listMeters,
  'GET /v1/billing/meters/:id': retrieveMeter,
  'POST /v1/billing/meters/:id': updateMeter,
  'POST /v1/billing/meters/:id/deactivate': deactivateMeter,
  'POST /v1/billing/meters/:id/reactivate': reactivateMeter,
  'GET /v1/billing/meters/:id/event_summaries': listMeterEventSummaries,
  'POST /v1/refunds': createRefund,
  'GET /v1/refunds': listRefunds,
  'GET /v1/refunds/:id': retrieveRefund,
  'POST /v1/refunds/:id': updateRefund,
  'GET /v1/disputes': listDisputes,
  'GET /v1/disputes/:id': retrieveDispute,
  'POST /v1/disputes/:id/close': closeDispute,
  'POST /v1/credit_notes': createCreditNote,
  'GET /v1/credit_notes': listCreditNotes,
  // Before the next, which would take "preview" for an id.
  'GET /v1/credit_notes/preview': previewCreditNote,
  'GET /v1/credit_notes/:id': retrieveCreditNote,
  'POST /v1/credit_notes/:id': updateCreditNote,
  'POST /v1/credit_notes/:id/void': voidCreditNote,
  'GET /v1/credit_notes/:id/lines': listCreditNoteLines,
  'POST /v1/billing_portal/configurations': createPortalConfiguration,
  'GET /v1/billing_portal/configurations': listPortalConfigurations,
  'GET /v1/billing_portal/configurations/:id': retrievePortalConfiguration,
  'POST /v1/billing_portal/configurations/:id': updatePortalConfiguration,
  'POST /v1/billing_portal/sessions': createPortalSession,
  'POST /v1/billing/meter_events': createMeterEvent,
  'POST /v1/billing/meter_event_adjustments': createMeterEventAdjustment,
  'POST /v1/coupons': createCoupon,
  'GET /v1/coupons': listCoupons,
  'GET /v1/coupons/:id': retrieveCoupon,
  'POST /v1/coupons/:id': updateCoupon,
  'DELETE /v1/coupons/:id': deleteCoupon,
  'POST /v1/promotion_codes': createPromotionCode,
  'GET /v1/promotion_codes': listPromotionCodes,
  'GET /v1/promotion_codes/:id': retrievePromotionCode,
  'POST /v1/promotion_codes/:id': updatePromotionCode,
  'POST /v1/payment_methods': createPaymentMethod,
  'GET /v1/payment_methods': listPaymentMethods,
  'GET /v1/payment_methods/:id': retrievePaymentMethod,
  'POST /v1/payment_methods/:id': updatePaymentMethod,
  'POST /v1/payment_methods/:id/attach': attachPaymentMethod,
  'POST /v1/payment_methods/:id/detach': detachPaymentMethod,
  'POST /v1/setup_intents': createSetupIntent,
  'GET /v1/setup_intents': listSetupIntents,
  'GET /v1/setup_intents/:id': retrieveSetupIntent,
  'POST /v1/setup_intents/:id/confirm': confirmSetupIntent,
  'POST /v1/setup_intents/:id/cancel': cancelSetupIntent,
  'GET /v1/payment_intents': listPaymentIntents,
  'GET /v1/payment_intents/:id': retrievePaymentIntent,
  'GET /v1/charges': listCharges,
  'GET /v1/charges/:id': retrieveCharge,
  'POST /v1/checkout/sessions': createSession,
  'GET /v1/checkout/sessions': listSessions,
  'GET /v1/checkout/sessions/:id': retrieveSession,
  'POST /v1/checkout/sessions/:id': updateSession,
  'POST /v1/checkout/sessions/:id/expire': expireSessionNow,
  'GET /v1/checkout/sessions/:id/line_items': listSessionLineItems,
  'POST /v1/subscriptions': createSubscription,
  'GET /v1/subscriptions': listSubscriptions,
  'GET /v1/subscriptions/:id': retrieveSubscription,
  'POST /v1/subscriptions/:id': updateSubscription,
  'DELETE /v1/subscriptions/:id': cancelSubscription,
  'DELETE /v1/subscriptions/:id/discount': deleteSubscriptionDiscount,
  'POST /v1/subscriptions/:id/pause': pauseSubscription,
  'POST /v1/subscriptions/:id/resume': resumeSubscription,
  'POST /v1/subscription_items': createSubscriptionItem,
  'POST /v1/subscription_items/:id': updateSubscriptionItem,
  'DELETE /v1/subscription_items/:id': deleteSubscriptionItem,
  'POST /v1/subscription_schedules': createSchedule,
  'GET /v1/subscription_schedules': listSchedules,
  'GET /v1/subscription_schedules/:id': retrieveSchedule,
  'POST /v1/subscription_schedules/:id': updateSchedule,
  'POST /v1/subscription_schedules/:id/release': releaseScheduleNow,
  'POST /v1/subscription_schedules/:id/cancel': cancelSchedule,
  'GET /v1/subscription_items': listSubscriptionItems,
  'GET /v1/subscription_items/:id': retrieveSubscriptionItem,
  'GET /v1/invoices': listInvoices,
  'GET /v1/invoices/:id': retrieveInvoice,
  'POST /v1/invoices/:id/pay': payInvoice,
  'GET /v1/invoices/:id/lines': listInvoiceLines,
  'POST /v1/invoices': createInvoice,
  'POST /v1/invoices/create_preview': createPreview,
  'POST /v1/invoices/:id': updateInvoice,
  'POST /v1/invoices/:id/finalize': finalizeInvoiceNow,
  'POST /v1/invoices/:id/void': voidInvoiceNow,
  'POST /v1/invoices/:id/mark_uncollectible': markInvoiceUncollectible,
  'DELETE /v1/invoices/:id': deleteInvoice,
  'POST /v1/invoiceitems': createInvoiceItem,
  'GET /v1/invoiceitems': listInvoiceItems,
  'GET /v1/invoiceitems/:id': retrieveInvoiceItem,
  'POST /v1/invoiceitems/:id': updateInvoiceItem,
  'DELETE /v1/invoiceitems/:id': deleteInvoiceItem,
  'POST /v1/test_helpers/test_clocks': createTestClock,
  'GET /v1/test_helpers/test_clocks': listTestClocks,
  'GET /v1/test_helpers/test_clocks/:id': retrieveTestClock,
  'POST /v1/test_helpers/test_clocks/:id/advance': advanceTestClock,
  'DELETE /v1/test_helpers/test_clocks/:id': deleteTestClock,
  'GET /v1/invoice_payments': listInvoicePayments,
  'GET /v1/invoice_payments/:id': retrieveInvoicePayment,
  'GET /v1/events': listEvents,
  'GET /v1/events/:id': retrieveEvent,
  'POST /v1/webhook_endpoints': createWebhookEndpoint,
  'GET /v1/webhook_endpoints': listWebhookEndpoints,
  'GET /v1/webhook_endpoints/:id': retrieveWebhookEndpoint,
  'POST /v1/webhook_endpoints/:id': updateWebhookEndpoint,
  'DELETE /v1/webhook_endpoints/:id': deleteWebhookEndpoint,
};

/** An operation found for a request. */
export interface Match {
  operation: Operation;
  handler: Handler<object>;
  id: string;
}

interface Route extends Omit<Match, 'id'> {
  method: string;
  pattern: RegExp;
}

const ROUTES: Route[] = (Object.keys(HANDLERS) as Operation[]).map((operation) => {
  const [method = '', path = ''] = operation.split(' ');
  return {
    method,
    operation,
    pattern: new RegExp(`^${path.replace(':id', '([^/]+)')}$`),
    // The parameters were checked against the tree of this very operation.
    handler: HANDLERS[operation] as Handler<object>,
  };
});

/** The operation behind a method and a path, or null. */
export function findOperation(method: string, path: string): Match | null {
  for (const route of ROUTES) {
    const found = route.method === method ? route.pattern.exec(path) : null;
    if (found)
      return { operation: route.operation, handler: route.handler, id: decodeURIComponent(found[1] ?? '') };
  }
  return null;
}
