import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Account, NO_REQUEST } from './account';
import { StripeApi } from './api';
import { cardOfToken } from './cards';
import { payCheckout, type Completion } from './checkout/completion';
import { Clock } from './clock';
import { control } from './controls';
import { DEFAULT_RETRY_DELAYS_MS, Deliveries, type WebhookTarget } from './deliveries';
import { invalidRequest } from './errors';
import { readFaults, type Faults } from './faults';
import { HostedPages } from './hosted/pages';
import { readBody, send } from './http';
import { Idempotency } from './idempotency';
import { changeSettings, settingsOf } from './engine/settings';
import { TimeEngine, type Fired } from './engine/time-engine';
import { Journal } from './journal';
import { render } from './expand';
import { seededRandom } from './random';
import { RequestLog, type LoggedRequest } from './request-log';
import { decideDispute, openDispute } from './resources/disputes';
import { finishAuthentication } from './resources/invoices';
import { addCard } from './resources/payment-methods';
import type { CheckoutResult, ClockState, StripeSandbox, StripeSandboxOptions } from './sandbox';
import { Store } from './store';
import { StripeV2Api } from './v2-api';
import type { Delivery, TableName } from './tables';

export type {
  CheckoutResult,
  Delivery,
  Faults,
  LoggedRequest,
  StripeSandbox,
  StripeSandboxOptions,
  WebhookTarget,
};

const HIDDEN_TABLES = new Set([
  'endpoint_secret',
  'idempotency',
  'card',
  'clock',
  'agenda',
  'note',
  'debit',
  'pending_change',
  'settings',
]);
const SWEEP_MS = 1_000;

/** Starts a Stripe account of your own on this machine. */
export async function startStripeSandbox(options: StripeSandboxOptions = {}): Promise<StripeSandbox> {
  const sandbox = new RunningSandbox(options);
  try {
    await sandbox.listen();
  } catch (error) {
    await sandbox.close();
    throw error;
  }
  return sandbox;
}

class RunningSandbox implements StripeSandbox {
  readonly secretKey: string;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly account: Account;
  private readonly sending: Deliveries;
  private readonly time: TimeEngine;
  private readonly log = new RequestLog();
  private readonly api: StripeApi;
  private readonly v2: StripeV2Api;
  private readonly pages: HostedPages;
  private readonly sweeper: NodeJS.Timeout;
  private active: Faults = {};
  private random: () => number;
  private address = { url: '', port: 0 };

  constructor(private readonly options: StripeSandboxOptions) {
    this.secretKey = options.secretKey ?? 'sk_test_sandbox';
    this.random = seededRandom(options.seed ?? 1);
    this.store = new Store(options.dataDir ? Journal.open(options.dataDir) : null);
    this.clock = new Clock(this.store.find('clock', 'clock')?.offset_ms ?? 0);
    this.sending = new Deliveries(this.store, options.retryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS);
    this.account = new Account(
      this.store,
      this.clock,
      () => options.publicUrl?.replace(/\/+$/, '') ?? this.url,
      options.merchantName ?? 'Tenant Billing',
      (event) => this.sending.plan(event),
      (type) => this.sending.interested(type),
    );
    this.account.onNotification = (event) => this.sending.plan(event, 'thin');
    this.account.meterEventFails = () => this.random() < (this.active.meter_error ?? 0);
    this.account.afterCommit(() => this.sending.settled());
    this.time = new TimeEngine(this.account);
    const idempotency = new Idempotency(this.store);
    idempotency.forgetOld(Date.now());
    this.api = new StripeApi(
      this.account,
      this.secretKey,
      idempotency,
      this.log,
      () => this.active,
      () => this.random(),
    );
    this.v2 = new StripeV2Api(
      this.account,
      this.secretKey,
      idempotency,
      this.log,
      () => this.active,
      () => this.random(),
    );
    this.pages = new HostedPages(this.account);
    this.setFaults({});
    this.sending.setTargets(options.webhooks ?? []);
    this.server = createServer((request, response) => void this.serve(request, response));
    // Longer than any client keeps an idle connection: closing first makes a request race with the close.
    this.server.keepAliveTimeout = 75_000;
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS);
    this.sweeper.unref();
  }

  get url(): string {
    return this.address.url;
  }

  get port(): number {
    return this.address.port;
  }

  async listen(): Promise<void> {
    const host = this.options.host ?? '127.0.0.1';
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.options.port ?? 0, host, resolve);
    });
    const { port } = this.server.address() as AddressInfo;
    this.address = { port, url: `http://${host}:${port}` };
    this.sending.wake();
  }

  setWebhooks(targets: WebhookTarget[]): void {
    this.sending.setTargets(targets);
  }

  setFaults(faults: Faults): void {
    this.active = readFaults(faults);
    this.random = seededRandom(faults.seed ?? this.options.seed ?? 1);
    this.sending.setFaults(this.active, () => this.random());
  }

  faults(): Faults {
    return structuredClone(this.active);
  }

  async completeCheckout(
    id: string,
    outcome: 'success' | 'decline' | 'requires_action',
  ): Promise<CheckoutResult> {
    const token = { success: 'visa', decline: 'chargeDeclined', requires_action: 'threeDSecure2Required' }[
      outcome
    ];
    const completion = this.account.transaction(NO_REQUEST, () => {
      const plan = this.account.store.find('checkout_plan', id);
      const pending = outcome === 'success' ? plan?.pending_card : null;
      if (pending) {
        const paymentMethod = this.account.get('payment_method', pending.payment_method);
        return payCheckout(this.account, id, { ...pending, paymentMethod }, true);
      }
      const session = this.account.get('checkout.session', id);
      const card = cardOfToken(token);
      if (!card) throw new Error(`No test card ${token}`);
      const email = session.customer_details?.email ?? session.customer_email ?? 'payer@example.com';
      const name = session.customer_details?.name ?? 'Test Payer';
      const paymentMethod = addCard(this.account, card, {
        exp_month: 12,
        exp_year: this.clock.now().getUTCFullYear() + 3,
        billing: { email, name },
      });
      return payCheckout(this.account, id, { paymentMethod, email, name });
    });
    return this.resultOf(id, completion);
  }

  private resultOf(id: string, completion: Completion): CheckoutResult {
    if (completion.kind === 'closed') {
      throw invalidRequest(
        `This Checkout Session is ${completion.session.status} and can not be paid.`,
        'id',
      );
    }
    const session = this.account.get('checkout.session', id);
    const { kind } = completion;
    return {
      status: session.status as CheckoutResult['status'],
      session: render(this.account, session, []),
      error:
        kind === 'declined'
          ? { code: completion.code, decline_code: completion.decline_code, message: completion.message }
          : null,
      requires_action: kind === 'authentication_required',
    };
  }

  deliveries(): Delivery[] {
    return this.sending.list();
  }

  deliveriesIdle(timeoutMs?: number): Promise<void> {
    return this.sending.idle(timeoutMs);
  }

  requests(since?: Date): LoggedRequest[] {
    return this.log.since(since);
  }

  objects(type: string): unknown[] {
    return HIDDEN_TABLES.has(type) ? [] : this.store.all(type as TableName);
  }

  object(type: string, id: string): unknown {
    return HIDDEN_TABLES.has(type) ? undefined : this.store.find(type as TableName, id);
  }

  resend(eventId: string): Promise<void> {
    return this.sending.resend(eventId);
  }

  failNext(paymentMethod: string, times: number, code: string): object {
    return this.account.transaction(NO_REQUEST, () => {
      const card = this.store.find('card', this.account.get('payment_method', paymentMethod).id);
      if (!card) throw invalidRequest('This payment method is not a card.', 'id');
      const failNext = times > 0 ? { times, code } : null;
      this.store.put('card', { ...card, fail_next: failNext });
      return { payment_method: paymentMethod, fail_next: failNext };
    });
  }

  disputeCharge(charge: string, reason: string): object {
    return this.account.transaction(NO_REQUEST, () => openDispute(this.account, charge, reason));
  }

  decideDispute(dispute: string, outcome: 'won' | 'lost'): object {
    return this.account.transaction(NO_REQUEST, () => decideDispute(this.account, dispute, outcome));
  }

  authenticatePayment(paymentIntent: string, passed: boolean): object {
    return this.account.transaction(NO_REQUEST, () =>
      finishAuthentication(this.account, paymentIntent, passed),
    );
  }

  reset(): void {
    this.store.clear();
    this.clock.restore(0);
    this.sending.takeUp();
    this.log.clear();
    this.setFaults({});
  }

  now(): Date {
    return this.clock.now();
  }

  advance(ms: number): Fired[] {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError('The clock only moves forward.');
    const fired = this.time.runTo(Math.floor((this.clock.now().getTime() + ms) / 1000));
    this.clock.advance(ms);
    this.account.transaction(NO_REQUEST, () =>
      this.store.put('clock', { id: 'clock', offset_ms: this.clock.offset() }),
    );
    return fired;
  }

  clockState(): ClockState {
    const next = this.time.nextDue();
    return {
      now: this.account.now(),
      offset_ms: this.clock.offset(),
      next_due: next && { at: next.at, what: next.what, object: next.object },
    };
  }

  settings(): object {
    return settingsOf(this.account);
  }

  changeSettings(wanted: unknown): object {
    return this.account.transaction(NO_REQUEST, () => changeSettings(this.account, wanted));
  }

  async close(): Promise<void> {
    clearInterval(this.sweeper);
    await this.sending.stop();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
    this.store.close();
  }

  private sweep(): void {
    this.time.runTo(this.account.now());
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://sandbox.invalid');
    try {
      if (url.pathname.startsWith('/v1/')) return await this.api.handle(request, response, url);
      if (url.pathname.startsWith('/v2/')) return await this.v2.handle(request, response, url);
      if (url.pathname.startsWith('/_sandbox/')) {
        const text = await readBody(request);
        const path = url.pathname.slice('/_sandbox'.length);
        const { status, body } = await control(this, request.method ?? 'GET', path, url.searchParams, text);
        return send(response, status, JSON.stringify(body, null, 2));
      }
      return await this.pages.serve(request, response, url);
    } catch (error) {
      // A client that went away in the middle of its own request is no fault of the sandbox.
      if (request.destroyed && !request.complete) return;
      process.stderr.write(`stripe sandbox: ${error instanceof Error ? error.stack : String(error)}\n`);
      send(response, 500, JSON.stringify({ error: { message: 'The Stripe sandbox failed.' } }));
    }
  }
}
