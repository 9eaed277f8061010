import { createHmac } from 'node:crypto';
import Stripe from 'stripe';
import { BillingError } from '../contracts/errors';
import { Clock } from '../platform/clock';
import type { Config } from '../platform/config/env';
import { NotifiedEvent } from './notified-event';
import { WebhookVerifier } from './webhook-verifier';

const CURRENT = 'whsec_current_0f8Hc2kd9Qz7Lm4Xv1Tb6Yw3';
const PREVIOUS = 'whsec_previous_9Qz7Lm4Xv1Tb6Yw30f8Hc2kd';
const OTHER_MODE = 'whsec_live_4Xv1Tb6Yw30f8Hc2kd9Qz7Lm';
const EVENT = JSON.stringify({
  id: 'evt_1',
  object: 'event',
  type: 'customer.subscription.updated',
  api_version: '2026-10-28.endive',
  created: 1_790_000_000,
  livemode: false,
  data: { object: { id: 'sub_1', object: 'subscription', customer: 'cus_1' } },
});

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

function verifierWith(secrets: string[] = [CURRENT], clock = new Clock()): WebhookVerifier {
  return new WebhookVerifier({ stripe: { webhookSecrets: secrets } } as Config, clock);
}

/** The header as Stripe's own package makes it. */
function signed(payload = EVENT, secret = CURRENT, timestamp = nowSeconds()): string {
  return Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
}

function answer(
  headers: string[],
  payload: string | Buffer = EVENT,
  verifier = verifierWith(),
): NotifiedEvent | 'thin' | string {
  try {
    return verifier.verify(Buffer.from(payload), headers);
  } catch (error) {
    if (error instanceof BillingError) return error.code;
    throw error;
  }
}

const v1Of = (header: string): string => /v1=([0-9a-f]+)/.exec(header)![1]!;

describe('a delivery', () => {
  it('signed over its exact bytes is the event it carries', () => {
    expect(answer([signed()])).toMatchObject({
      id: 'evt_1',
      type: 'customer.subscription.updated',
      objectId: 'sub_1',
      customerId: 'cus_1',
      livemode: false,
    });
  });

  it('B-001: without a signature is refused', () => {
    expect(answer([])).toBe('invalid_signature');
  });

  it('B-002: with an empty signature is refused', () => {
    expect(answer([''])).toBe('invalid_signature');
    expect(answer([' '])).toBe('invalid_signature');
  });

  it.each([
    ['B-003', 't=abc,v1=zz'],
    ['B-003', 'garbage'],
    ['B-003', '=,=,='],
    ['B-003', `t=,v1=${'0'.repeat(64)}`],
    ['B-003', `t=-1,v1=${'0'.repeat(64)}`],
    ['B-003', `t=1e9,v1=${'0'.repeat(64)}`],
    ['B-003', `v1=${'0'.repeat(64)}`],
    ['B-005', () => `t=${nowSeconds()},v1=zz`],
    ['B-005', () => `t=${nowSeconds()},v1=`],
    ['B-005', () => `t=${nowSeconds()},v1=${'é'.repeat(64)}`],
    ['B-005', () => `t=${nowSeconds()},v1=${'0'.repeat(100_000)}`],
  ])('%s: %# with a malformed header is refused without an exception', (_case, header) => {
    expect(answer([typeof header === 'string' ? header : header()])).toBe('invalid_signature');
  });

  it('B-004: with the test scheme v0 only is refused', () => {
    expect(answer([signed().replace('v1=', 'v0=')])).toBe('invalid_signature');
  });

  it('B-006: with the header sent twice is refused, even when both are right', () => {
    const header = signed();
    expect(answer([header, header])).toBe('invalid_signature');
  });

  it('B-007, B-008: is good for 300 s either way, and not longer', () => {
    const aged = (seconds: number): unknown => answer([signed(EVENT, CURRENT, nowSeconds() + seconds)]);
    expect(aged(-297)).toMatchObject({ id: 'evt_1' });
    expect(aged(297)).toMatchObject({ id: 'evt_1' });
    expect(aged(-302)).toBe('invalid_signature');
    expect(aged(302)).toBe('invalid_signature');
    expect(aged(24 * 3600)).toBe('invalid_signature');
    expect(aged(-24 * 3600)).toBe('invalid_signature');
  });

  it("is aged by the database's real clock, not by this machine's nor by moved business time", () => {
    const clock = new Clock();
    const databaseNow = Date.now() + 3600_000;
    clock.adjust(new Date(databaseNow), 90 * 24 * 3600_000);
    const verifier = verifierWith([CURRENT], clock);
    const at = Math.floor(databaseNow / 1000);
    expect(answer([signed(EVENT, CURRENT, at)], EVENT, verifier)).toMatchObject({ id: 'evt_1' });
    expect(answer([signed()], EVENT, verifier)).toBe('invalid_signature');
  });

  it('cannot carry two times, of which the checks could each read another one', () => {
    const old = nowSeconds() - 86_400;
    const signature = v1Of(signed(EVENT, CURRENT, old));
    expect(answer([`t=${nowSeconds()},t=${old},v1=${signature}`])).toBe('invalid_signature');
    expect(answer([`t=${old},v1=${signature},t=${nowSeconds()}`])).toBe('invalid_signature');
  });

  it.each([
    ['changed by one byte', EVENT.replace('sub_1', 'sub_2')],
    ['serialised again', JSON.stringify(JSON.parse(EVENT), null, 2)],
    ['with a trailing newline', `${EVENT}\n`],
    ['cut', EVENT.slice(0, -1)],
    ['empty', ''],
    ['with an added byte order mark', `\ufeff${EVENT}`],
    ['with an added NUL', `${EVENT}\u0000`],
  ])('B-009: %s is refused', (_name, payload) => {
    expect(answer([signed()], payload)).toBe('invalid_signature');
  });

  it('B-009: with broken bytes where the signed text has U+FFFD, as which a decoder would read them, is refused', () => {
    const text = EVENT.replace('sub_1', 'sub_\ufffd');
    const broken = Buffer.from(EVENT.replace('sub_1', 'sub_\u0001')).map((byte) =>
      byte === 1 ? 0xff : byte,
    );
    expect(answer([signed(text)], text)).toMatchObject({ id: 'evt_1' });
    expect(answer([signed(text)], Buffer.from(broken))).toBe('invalid_signature');
  });

  it("B-010: signed with the other mode's secret is refused", () => {
    expect(answer([signed(EVENT, OTHER_MODE)])).toBe('invalid_signature');
  });

  it('B-011: with two signatures of which the second is right is accepted', () => {
    const at = nowSeconds();
    const header = `t=${at},v1=${v1Of(signed(EVENT, OTHER_MODE, at))},v1=${v1Of(signed(EVENT, CURRENT, at))}`;
    expect(answer([header])).toMatchObject({ id: 'evt_1' });
  });

  it('B-012: signed with the previous secret is accepted while it is configured, and not after', () => {
    const header = signed(EVENT, PREVIOUS);
    expect(answer([header], EVENT, verifierWith([CURRENT, PREVIOUS]))).toMatchObject({ id: 'evt_1' });
    expect(answer([header], EVENT, verifierWith([CURRENT]))).toBe('invalid_signature');
  });

  it.each([
    'not json',
    '',
    '{"id":"evt_1",',
    '[]',
    'null',
    '"evt_1"',
    '{}',
    '{"id":7,"type":"x"}',
    '{"id":"evt_1"}',
  ])('B-013: signed but %j is invalid_json', (payload) => {
    expect(answer([signed(payload)], payload)).toBe('invalid_json');
  });

  it('B-013: signed but not UTF-8 is invalid_json', () => {
    const payload = Buffer.from([0x22, 0xc3, 0x22]);
    const at = nowSeconds();
    const signature = createHmac('sha256', CURRENT)
      .update(Buffer.concat([Buffer.from(`${at}.`), payload]))
      .digest('hex');
    expect(answer([`t=${at},v1=${signature}`], payload)).toBe('invalid_json');
  });

  it('B-014: that is a thin event is named so, not refused', () => {
    const payload = JSON.stringify({
      id: 'evt_2',
      object: 'v2.core.event',
      type: 'v1.billing.meter.no_meter_found',
    });
    expect(answer([signed(payload)], payload)).toBe('thin');
  });

  it('unsigned but thin is refused like any other', () => {
    expect(answer(['t=1,v1=00'], '{"object":"v2.core.event"}')).toBe('invalid_signature');
  });
});
