import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../contracts/errors';
import { Clock } from '../platform/clock';
import { CONFIG } from '../platform/config/config.module';
import type { Config } from '../platform/config/env';
import { equalDigests, hmacSha256 } from '../platform/crypto';
import { isThin, NotifiedEvent, toNotifiedEvent, toThinEvent } from './notified-event';

/** Both ways: an old signature may be a replay, one from the future would stay good for long (B-007, B-008). */
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
    const body = this.proven(payload, signatures, this.config.stripe.webhookSecrets);
    if (isThin(body)) return 'thin';
    const event = toNotifiedEvent(body);
    if (!event) throw new BillingError('invalid_json', { detail: 'The signed body is not an event.' });
    return event;
  }

  /**
   * The same for the endpoint of event notifications, which has a secret of its own (decisions 29).
   * @throws BillingError not_configured, invalid_signature; invalid_json for signed bytes that are no notification
   */
  verifyThin(payload: Buffer, signatures: string[]): NotifiedEvent {
    const secrets = this.config.stripe.eventsSecrets;
    if (secrets.length === 0) throw new BillingError('not_configured');
    const event = toThinEvent(this.proven(payload, signatures, secrets));
    if (!event)
      throw new BillingError('invalid_json', { detail: 'The signed body is no event notification.' });
    return event;
  }

  private proven(payload: Buffer, signatures: string[], secrets: readonly string[]): unknown {
    if (signatures.length !== 1 || !this.isProven(payload, signatures[0]!, secrets))
      throw new BillingError('invalid_signature');
    return parse(payload);
  }

  /**
   * Over the bytes themselves: the SDK decodes them first, so that it takes a body with an added byte order
   * mark, or with other bytes where UTF-8 is broken, for the signed one (S-49).
   */
  private isProven(payload: Buffer, header: string, secrets: readonly string[]): boolean {
    const parts = header.split(',').map((part) => part.trim());
    const times = valuesOf('t', parts);
    if (times.length !== 1 || !this.isOfNow(times[0]!)) return false;
    const signed = Buffer.concat([Buffer.from(`${times[0]}.`), payload]);
    const presented = valuesOf('v1', parts).map((text) => Buffer.from(text));
    return secrets.some((secret) => {
      const expected = Buffer.from(hmacSha256(secret, signed).toString('hex'));
      return presented.some((signature) => equalDigests(signature, expected));
    });
  }

  private isOfNow(time: string): boolean {
    const now = this.clock.realNow().getTime() / 1000;
    return /^\d{1,12}$/.test(time) && Math.abs(now - Number(time)) <= TOLERANCE_SECONDS;
  }
}

function valuesOf(scheme: string, parts: string[]): string[] {
  return parts.filter((part) => part.startsWith(`${scheme}=`)).map((part) => part.slice(scheme.length + 1));
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload)) as unknown;
  } catch {
    throw new BillingError('invalid_json', { detail: 'The signed body is not JSON.' });
  }
}
