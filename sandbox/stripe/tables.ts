import type Stripe from 'stripe';
import type { CardBehaviour } from './cards';

/** What a session remembers of its creation until it is paid. Stripe keeps this too, but does not show it. */
export interface CheckoutPlan {
  id: string;
  subscription_data: Stripe.Checkout.SessionCreateParams.SubscriptionData | null;
  payment_intent_data: Stripe.Checkout.SessionCreateParams.PaymentIntentData | null;
  line_items: Stripe.LineItem[];
  update_customer_name: boolean;
  /** Made at the first try to pay and used again by the next. */
  payment_intent: string | null;
  /** A card that waits for its 3-D Secure step. */
  pending_card: { payment_method: string; name: string | null; email: string | null } | null;
}

/** The sandbox's side of a card: what it does when charged. */
export interface CardRecord {
  id: string;
  behaviour: CardBehaviour;
  /** The next `times` charges are declined with `code` (control `fail_next`). */
  fail_next: { times: number; code: string } | null;
  authenticated: boolean;
}

/** One event on its way to one endpoint. */
export interface Delivery {
  id: string;
  event_id: string;
  type: string;
  /** `configured_<n>` for targets given at start (their address may change between runs), else `we_…`. */
  endpoint: string;
  attempts: number;
  status: 'pending' | 'delivered' | 'failed' | 'dropped';
  last_status_code: number | null;
  /** ISO time, real; null when no attempt is planned. */
  next_attempt_at: string | null;
}

/** The first answer given under a key, kept to be given again. */
export interface IdempotencyRecord {
  /** The key. */
  id: string;
  fingerprint: string;
  status: number;
  body: string;
  request_id: string;
  /** Unix milliseconds, real time: keys are a matter of transport. */
  stored_at: number;
}

/** Something the time engine will do: at most one row per object, its next. */
export interface AgendaEntry {
  /** `<table>:<id of the object>`. */
  id: string;
  /** Unix seconds. */
  at: number;
  what: string;
  table: string;
  object: string;
  /** The test clock the object lives by; null for the sandbox's own. */
  clock: string | null;
}

/** A small fact about an object that Stripe keeps to itself, e.g. that a reminder was sent. */
export interface Note {
  /** `<id of the object>:<fact>`. */
  id: string;
  at: number;
  object: string | null;
}

/** What a customer was debited for a stretch of time of one item: the base of credits in flexible billing mode. */
export interface Debit {
  /** Id of the invoice line or of the proration's invoice item. */
  id: string;
  subscription: string;
  item: string;
  /** Where it stands; null while its invoice item is pending. */
  invoice: string | null;
  line: string | null;
  /** After discounts, minor units. */
  amount: number;
  price: string;
  quantity: number;
  start: number;
  end: number;
}

/** A change that waits for its payment (`pending_if_incomplete`). The id is the subscription's. */
export interface PendingChange {
  id: string;
  invoice: string;
  changes: Partial<Stripe.Subscription>;
  debits: Debit[];
}

/** The account's settings that a dashboard would hold. */
export interface BillingSettings {
  id: string;
  retry_days: number[];
  after_retries: 'cancel' | 'unpaid' | 'past_due';
  upcoming_days: number;
  finalize_after_seconds: number;
}

/** Usage that was sent, and what became of it. The id is its identifier. */
export interface MeterEventRecord {
  id: string;
  event_name: string;
  payload: Record<string, string>;
  /** When it happened, Unix seconds. */
  timestamp: number;
  received_at: number;
  meter: string | null;
  customer: string | null;
  value: string | null;
  state: 'counted' | 'canceled' | 'refused';
  /** Why it was refused, by Stripe's name. */
  error: string | null;
}

/** An event of API v2. Delivered without its `data`, which a receiver fetches. */
export interface ThinEvent {
  id: string;
  object: 'v2.core.event';
  type: string;
  /** ISO time. */
  created: string;
  livemode: boolean;
  related_object: { id: string; type: string; url: string } | null;
  data: Record<string, unknown>;
}

/** Every row the sandbox keeps, by table. Rows are never changed in place: a change puts a new row. */
export interface Tables {
  customer: Stripe.Customer | Stripe.DeletedCustomer;
  product: Stripe.Product | Stripe.DeletedProduct;
  price: Stripe.Price;
  'billing.meter': Stripe.Billing.Meter;
  coupon: Stripe.Coupon | Stripe.DeletedCoupon;
  promotion_code: Stripe.PromotionCode;
  payment_method: Stripe.PaymentMethod;
  setup_intent: Stripe.SetupIntent;
  payment_intent: Stripe.PaymentIntent;
  charge: Stripe.Charge;
  'checkout.session': Stripe.Checkout.Session;
  subscription: Stripe.Subscription;
  discount: Stripe.Discount | Stripe.DeletedDiscount;
  invoice: Stripe.Invoice;
  invoice_payment: Stripe.InvoicePayment;
  invoiceitem: Stripe.InvoiceItem;
  subscription_schedule: Stripe.SubscriptionSchedule;
  'test_helpers.test_clock': Stripe.TestHelpers.TestClock;
  event: Stripe.EventBase;
  refund: Stripe.Refund;
  dispute: Stripe.Dispute;
  credit_note: Stripe.CreditNote;
  'billing_portal.configuration': Stripe.BillingPortal.Configuration;
  'billing_portal.session': Stripe.BillingPortal.Session;
  meter_event: MeterEventRecord;
  thin_event: ThinEvent;
  webhook_endpoint: Stripe.WebhookEndpoint;
  checkout_plan: CheckoutPlan;
  card: CardRecord;
  delivery: Delivery;
  idempotency: IdempotencyRecord;
  clock: { id: string; offset_ms: number };
  agenda: AgendaEntry;
  note: Note;
  debit: Debit;
  pending_change: PendingChange;
  settings: BillingSettings;
  /** The signing secret of endpoints made by the API: Stripe shows it once. */
  endpoint_secret: { id: string; secret: string };
}

export type TableName = keyof Tables;
