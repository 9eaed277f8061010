import {
  StripeCustomerId,
  StripePriceId,
  StripeProductId,
  StripeSessionId,
  StripeSubscriptionId,
} from '../contracts/ids';
import { BillingStatus, PauseMode } from '../domain/subscription-status';

/** One priced line of a subscription. Periods belong to items since Stripe's 2025-03-31. */
export interface SubscriptionItemSnapshot {
  id: string;
  priceId: StripePriceId;
  productId: StripeProductId;
  /** Null for metered prices. */
  quantity: number | null;
  isMetered: boolean;
  meterId: string | null;
  periodStart: Date;
  periodEnd: Date;
}

/** A subscription as Stripe holds it at the moment of the fetch, in our words. */
export interface SubscriptionSnapshot {
  id: StripeSubscriptionId;
  customerId: StripeCustomerId;
  /** Null for a status of Stripe's that we do not know. */
  status: BillingStatus | null;
  stripeStatus: string;
  createdAt: Date;
  billingMode: string;
  billingCycleAnchor: Date;
  /** Earliest start and latest end over the items. */
  periodStart: Date;
  periodEnd: Date;
  trialEnd: Date | null;
  cancelAtPeriodEnd: boolean;
  cancelAt: Date | null;
  canceledAt: Date | null;
  endedAt: Date | null;
  cancellationReason: string | null;
  pauseMode: PauseMode | null;
  /** When the pause of collection ends by itself. */
  pauseResumesAt: Date | null;
  currency: string;
  scheduleId: string | null;
  items: SubscriptionItemSnapshot[];
  /** A hint of ours from checkout; never trusted for authority. */
  metadata: Record<string, string>;
}

/** A checkout session as Stripe holds it at the moment of the fetch. */
export interface CheckoutSnapshot {
  id: StripeSessionId;
  status: 'open' | 'complete' | 'expired';
  /** Whether money changed hands: no_payment_required for trials and full discounts. */
  paymentStatus: 'paid' | 'unpaid' | 'no_payment_required';
  url: string | null;
  expiresAt: Date;
  customerId: StripeCustomerId | null;
  subscriptionId: StripeSubscriptionId | null;
  /** The id of our own row. */
  clientReferenceId: string | null;
}

/** What a price is, as far as selling it needs to know. */
export interface PriceSnapshot {
  id: StripePriceId;
  productId: StripeProductId;
  active: boolean;
  currency: string;
  /** Null for one-time prices. */
  interval: 'day' | 'week' | 'month' | 'year' | null;
  intervalCount: number;
  isMetered: boolean;
  /** `tenant_id` in the metadata of price or product: only that tenant may buy it. */
  ownerTenantId: string | null;
}

/** One line of an invoice. */
export interface InvoiceLineSnapshot {
  id: string;
  description: string | null;
  /** Minor units; credits are negative. */
  amount: number;
  currency: string;
  quantity: number | null;
  priceId: StripePriceId | null;
  productId: StripeProductId | null;
  subscriptionItemId: string | null;
  isProration: boolean;
  /** What discounts took off, above 0. */
  discountAmount: number;
  periodStart: Date;
  periodEnd: Date;
}

/** An invoice, or the preview of one, as Stripe holds it at the moment of the fetch. Amounts are minor units. */
export interface InvoiceSnapshot {
  id: string;
  customerId: StripeCustomerId | null;
  subscriptionId: StripeSubscriptionId | null;
  number: string | null;
  status: 'draft' | 'open' | 'paid' | 'void' | 'uncollectible';
  currency: string;
  subtotal: number;
  tax: number;
  total: number;
  amountDue: number;
  amountPaid: number;
  amountRemaining: number;
  attempted: boolean;
  attemptCount: number;
  nextPaymentAttempt: Date | null;
  billingReason: string | null;
  collectionMethod: string;
  createdAt: Date;
  dueAt: Date | null;
  finalizedAt: Date | null;
  paidAt: Date | null;
  voidedAt: Date | null;
  periodStart: Date;
  periodEnd: Date;
  hostedUrl: string | null;
  pdfUrl: string | null;
  /** For the payer's browser only; there when it was expanded. Never stored. */
  clientSecret: string | null;
  lines: InvoiceLineSnapshot[];
}

/** A stored way to pay, without anything secret. */
export interface PaymentMethodSnapshot {
  id: string;
  type: string;
  brand: string | null;
  last4: string | null;
  expMonth: number | null;
  expYear: number | null;
  createdAt: Date;
}
