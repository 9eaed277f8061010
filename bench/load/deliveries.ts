/** Deliveries of Stripe: signed events of a realistic size, each with an id of its own. */
import { createHmac } from 'node:crypto';
import type { Answer } from './connection';
import type { Traffic } from './drive';

const ID = 'evt_bench_#########';
const RECEIVED = Buffer.from('"received":true');

/** About as large as an updated subscription with two items (3 kB). */
function template(): string {
  const item = (at: number): object => ({
    id: `si_bench${at}`,
    object: 'subscription_item',
    quantity: 1,
    current_period_start: 1_780_000_000,
    current_period_end: 1_782_600_000,
    price: { id: `price_bench${at}`, object: 'price', currency: 'usd', unit_amount: 2900, metadata: {} },
    metadata: { note: 'x'.repeat(900) },
  });
  return JSON.stringify({
    id: ID,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: Math.floor(Date.now() / 1000),
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: 'customer.subscription.updated',
    data: {
      object: {
        id: 'sub_bench',
        object: 'subscription',
        customer: 'cus_nobody',
        status: 'active',
        items: { object: 'list', data: [item(1), item(2)] },
      },
    },
  });
}

export class Deliveries implements Traffic {
  /** Answered 200; each must be in the inbox. */
  acknowledged = 0;
  private sent = 0;
  private readonly before: string;
  private readonly after: string;
  private readonly length: number;

  /** @param firstId of nine digits, so that two runs have different ids */
  constructor(
    private readonly secret: string,
    private readonly firstId: number,
  ) {
    const payload = template();
    this.length = Buffer.byteLength(payload);
    [this.before, this.after] = payload.split(ID) as [string, string];
  }

  next(): Buffer {
    const id = ID.replace('#########', String(this.firstId + this.sent++).padStart(9, '0'));
    const payload = `${this.before}${id}${this.after}`;
    const at = Math.floor(Date.now() / 1000);
    const signature = createHmac('sha256', this.secret).update(`${at}.${payload}`).digest('hex');
    return Buffer.from(
      `POST /v1/webhooks/stripe HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
        `stripe-signature: t=${at},v1=${signature}\r\ncontent-length: ${this.length}\r\n\r\n${payload}`,
    );
  }

  units(_connection: number, { status, bytes, bodyAt }: Answer): number {
    if (status !== 200 || !bytes.includes(RECEIVED, bodyAt)) return -1;
    this.acknowledged += 1;
    return 1;
  }
}
