import Stripe from 'stripe';
import { findOperation } from '../../../sandbox/stripe/routes';
import {
  startStripeSandbox,
  type StripeSandbox,
  type StripeSandboxOptions,
} from '../../../sandbox/stripe/server';
import { objectProblems, requestProblems } from '../stripe-schemas';

/** A Stripe account reached through the official package, every answer of which is held to Stripe's own types. */
export interface AccountUnderTest {
  stripe: Stripe;
  close(): Promise<void>;
}

/** The local sandbox, or real Stripe test mode when `STRIPE_TEST_SECRET_KEY` is set. */
export async function accountUnderTest(): Promise<AccountUnderTest> {
  const realKey = process.env.STRIPE_TEST_SECRET_KEY;
  if (realKey) {
    return {
      stripe: new Stripe(realKey, { httpClient: checkedClient(), telemetry: false }),
      close: async () => {},
    };
  }
  return sandboxUnderTest();
}

export interface SandboxUnderTest extends AccountUnderTest {
  sandbox: StripeSandbox;
}

/** A sandbox of one's own, with the official client for it. */
export async function sandboxUnderTest(options: StripeSandboxOptions = {}): Promise<SandboxUnderTest> {
  const sandbox = await startStripeSandbox({ retryDelaysMs: [20, 20, 20, 20], ...options });
  return {
    sandbox,
    stripe: clientOf(sandbox),
    close: async () => {
      const problems = sandbox
        .requests()
        .filter(({ status, path }) => status === 200 && path.startsWith('/v1/'))
        .flatMap(({ method, path, parameters }) => {
          const operation = findOperation(method, path)?.operation;
          return operation
            ? requestProblems(operation, parameters)
            : [`${method} ${path} answered without an operation`];
        });
      await sandbox.close();
      if (problems.length > 0)
        throw new Error(`Requests that Stripe's types refuse:\n${problems.join('\n')}`);
    },
  };
}

/** The official client of a sandbox. @param retries Network retries of the SDK itself; tests count on none. */
export function clientOf(sandbox: { port: number; secretKey: string }, retries = 0): Stripe {
  return new Stripe(sandbox.secretKey, {
    host: '127.0.0.1',
    port: sandbox.port,
    protocol: 'http',
    maxNetworkRetries: retries,
    telemetry: false,
    httpClient: checkedClient(),
  });
}

/** Looks at each answer on its way to the SDK: what Stripe's types do not allow fails the call. */
function checkedClient(): Stripe.HttpClient {
  return Stripe.createFetchHttpClient(async (input: string | URL | Request, init?: RequestInit) => {
    const response = await fetch(input, init);
    const text = await response.text();
    const body: unknown = JSON.parse(text);
    const problems = response.ok ? objectProblems(body) : errorProblems(body, response);
    if (problems.length > 0) {
      const told = `${init?.method} ${String(input)} is not as Stripe's types say:\n${problems.join('\n')}`;
      // The SDK turns what is thrown here into a connection error; the reason must be seen all the same.
      process.stderr.write(`${told}\n`);
      throw new Error(told);
    }
    return new Response(text, { status: response.status, headers: response.headers });
  });
}

function errorProblems(body: unknown, response: Response): string[] {
  const error = (body as { error?: { type?: unknown; message?: unknown } }).error;
  if (!error || typeof error.type !== 'string' || typeof error.message !== 'string')
    return ['an error without type or message'];
  return response.headers.get('request-id')?.startsWith('req_') ? [] : ['an error without a request id'];
}

/** A monthly price of a new product. */
export async function monthlyPrice(stripe: Stripe, amount = 2900, name = 'Growth'): Promise<Stripe.Price> {
  return stripe.prices.create({
    currency: 'usd',
    unit_amount: amount,
    recurring: { interval: 'month' },
    product_data: { name },
  });
}

/** A subscription checkout for one price. */
export async function openCheckout(
  stripe: Stripe,
  price: string,
  more: Partial<Stripe.Checkout.SessionCreateParams> = {},
): Promise<Stripe.Checkout.Session> {
  return stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price, quantity: 1 }],
    success_url: 'https://shop.example/return?session_id={CHECKOUT_SESSION_ID}',
    cancel_url: 'https://shop.example/plans',
    ...more,
  });
}
