import { Inject, Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { BillingError } from '../contracts/errors';
import { Clock } from '../platform/clock';
import { CONFIG } from '../platform/config/config.module';
import type { Config } from '../platform/config/env';
import { isThin, NotifiedEvent, toNotifiedEvent } from './notified-event';

/** Both ways: Stripe's SDK refuses old signatures only, and accepts ones from the future (B-008). */
const TOLERANCE_SECONDS = 300;

/** Proves that a delivery is Stripe's, over its exact bytes, and reads as much of it as the inbox needs. */
@Injectable()
export class WebhookVerifier {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /**
   * @param payload the request body as it arrived
   * @param signatures all values of the Stripe-Signature header; exactly one is right
   * @returns the event, or 'thin' for a v2 event, which this endpoint does not take
   * @throws BillingError invalid_signature; invalid_json for signed bytes that are no event
   */
  verify(payload: Buffer, signatures: string[]): NotifiedEvent | 'thin' {
    const [signature] = signatures;
    if (signatures.length !== 1 || !signature) throw new BillingError('invalid_signature');
    this.checkAge(signature);
    if (!this.config.stripe.webhookSecrets.some((secret) => isSignedWith(secret, payload, signature)))
      throw new BillingError('invalid_signature');
    const body = parse(payload);
    if (isThin(body)) return 'thin';
    const event = toNotifiedEvent(body);
    if (!event) throw new BillingError('invalid_json', { detail: 'The signed body is not an event.' });
    return event;
  }

  private checkAge(signature: string): void {
    const times = signature.split(',').filter((part) => part.trim().startsWith('t='));
    const seconds = times.length === 1 ? times[0]!.trim().slice(2) : '';
    const now = this.clock.realNow().getTime() / 1000;
    if (!/^\d{1,12}$/.test(seconds) || Math.abs(now - Number(seconds)) > TOLERANCE_SECONDS)
      throw new BillingError('invalid_signature');
  }
}

function isSignedWith(secret: string, payload: Buffer, signature: string): boolean {
  try {
    // The age was checked against the database's clock; the SDK's own check would use this machine's.
    const farAway = Number.MAX_SAFE_INTEGER;
    return Stripe.webhooks.signature!.verifyHeader(payload, signature, secret, farAway);
  } catch {
    // The SDK throws for a wrong signature, and plain errors for odd headers (B-003 to B-006).
    return false;
  }
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as unknown;
  } catch {
    throw new BillingError('invalid_json', { detail: 'The signed body is not JSON.' });
  }
}
