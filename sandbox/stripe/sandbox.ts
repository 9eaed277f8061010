import type { WebhookTarget } from './deliveries';
import type { Fired } from './engine/time-engine';
import type { Faults } from './faults';
import type { LoggedRequest } from './request-log';
import type { Delivery } from './tables';

export interface StripeSandboxOptions {
  /** 0 or absent takes a free one. */
  port?: number;
  host?: string;
  /** Default `sk_test_sandbox`. */
  secretKey?: string;
  /** Where the journal is kept; without it the account lives in memory only. */
  dataDir?: string;
  webhooks?: WebhookTarget[];
  /** Pauses between delivery attempts in milliseconds; after the last one a delivery has failed. */
  retryDelaysMs?: number[];
  /** Address people reach the hosted pages under, when it is not the server's own. */
  publicUrl?: string;
  merchantName?: string;
  /** Seed of all faults, overridden by `faults.seed`. */
  seed?: number;
}

/** How a completion by control went; the same facts the hosted page shows. */
export interface CheckoutResult {
  status: 'complete' | 'open' | 'expired';
  /** The session as the API answers it. */
  session: unknown;
  error: { code: string; decline_code: string | null; message: string } | null;
  requires_action: boolean;
}

/** Where the sandbox's clock stands. Unix seconds. */
export interface ClockState {
  now: number;
  offset_ms: number;
  next_due: Fired | null;
}

export interface StripeSandbox {
  readonly url: string;
  readonly port: number;
  readonly secretKey: string;
  setWebhooks(targets: WebhookTarget[]): void;
  /** Replaces all faults; `{}` clears them. @throws RangeError for unknown faults or values. */
  setFaults(faults: Faults): void;
  faults(): Faults;
  /**
   * Pays a session as the hosted page would, with the test card of that outcome. A decline leaves it open and is
   * told in `error`; after `requires_action` a second call with `success` finishes the 3-D Secure step.
   * @throws StripeApiError when the session does not exist or is not open.
   */
  completeCheckout(id: string, outcome: 'success' | 'decline' | 'requires_action'): Promise<CheckoutResult>;
  deliveries(): Delivery[];
  /** Waits until no delivery is under way or due within a second. @throws Error after `timeoutMs`. */
  deliveriesIdle(timeoutMs?: number): Promise<void>;
  requests(since?: Date): LoggedRequest[];
  /** All rows of a type (`customer`, `checkout.session` …), oldest first, as stored. */
  objects(type: string): unknown[];
  object(type: string, id: string): unknown;
  resend(eventId: string): Promise<void>;
  /** Declines the next charges of a card with this decline code. */
  failNext(paymentMethod: string, times: number, code: string): object;
  /** Lets a cardholder dispute a charge. */
  disputeCharge(charge: string, reason: string): object;
  /** Lets the bank decide a dispute. */
  decideDispute(dispute: string, outcome: 'won' | 'lost'): object;
  /** Finishes the 3-D Secure step of an invoice's payment. */
  authenticatePayment(paymentIntent: string, passed: boolean): object;
  /** Forgets all objects, faults, requests and deliveries; webhook targets stay. */
  reset(): void;
  now(): Date;
  /**
   * Moves the sandbox's clock forward and carries out what falls due on the way, each thing at its own moment.
   * Delivery retries stay in real time.
   * @throws RangeError for a way back.
   */
  advance(ms: number): Fired[];
  clockState(): ClockState;
  /** The account's billing settings (retries, what follows them, notices). */
  settings(): object;
  /** Changes settings. @throws RangeError for unknown names or values. */
  changeSettings(wanted: unknown): object;
  close(): Promise<void>;
}
