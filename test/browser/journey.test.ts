import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { startTestService } from '../support/service';
import { describePurchases } from './purchases';

/** The real service, the built pages, the Stripe sandbox's payment page and its signed webhooks, in one browser. */
describePurchases(
  async () => {
    // Known before the start: checkouts may only return to origins on the service's list.
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const service = await startTestService({ env: { PORT: String(port), PUBLIC_URL: url } });
    await service.makePlan({ name: 'Free', slug: 'free', amount: 0, sort_order: 0 });
    await service.makePlan({ name: 'Starter', slug: 'starter', amount: 2900, sort_order: 1 });
    await service.makePlan({
      name: 'Pro',
      slug: 'pro',
      amount: 9900,
      sort_order: 2,
      metadata: { popular: 'true' },
    });
    await service.makePlan({
      name: 'Pro',
      slug: 'pro-yearly',
      amount: 99000,
      interval: 'year',
      sort_order: 2,
    });
    return {
      url,
      newTenantKey: async () => (await service.makeTenant()).key,
      close: () => service.close(),
    };
  },
  {
    paid: { name: 'Pro', monthly: '$99 / month', yearly: '$990 / year' },
    other: { name: 'Starter' },
    free: { name: 'Free' },
  },
);

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((ready) => probe.listen(0, '127.0.0.1', ready));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}
