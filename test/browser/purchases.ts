import type { Browser, Page } from 'playwright-core';
import { axe, launchBrowser, newPage, screenshot, type WatchedPage } from '../support/browser';
import { expectText } from './expect-text';
import { arriveAtCheckout, authenticate, payWith } from './hosted-checkout';

/** A running service with its price list, whose payments go to a Stripe sandbox. */
export interface PurchaseService {
  /** Where the pages are; also the origin that checkouts may return to. */
  url: string;
  /** The key of a new tenant that has bought nothing yet. */
  newTenantKey(): Promise<string>;
  close(): Promise<void>;
}

/** The plans of the price list that the journeys buy. */
export interface PlansForSale {
  /** A paid plan offered monthly and yearly, e.g. "Pro" at "$99 / month" and "$990 / year". */
  paid: { name: string; monthly: string; yearly: string };
  other: { name: string };
  free: { name: string };
}

/** How long the webhook, the queue and the polling page may take together. */
const UNTIL_ACTIVE_MS = 20_000;

/**
 * The whole way of a purchase in a real browser: price list → hosted payment page → webhook → return page.
 * Registers the tests; the service is started once for all of them, and every test is a tenant of its own.
 */
export function describePurchases(start: () => Promise<PurchaseService>, plans: PlansForSale): void {
  describe('buying a plan in the browser', () => {
    let service: PurchaseService;
    let browser: Browser;
    let watched: WatchedPage;
    let page: Page;
    let key: string;

    beforeAll(async () => {
      [service, browser] = await Promise.all([start(), launchBrowser()]);
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      await service?.close();
    });
    beforeEach(async () => {
      key = await service.newTenantKey();
      await openPage();
    });
    afterEach(() => watched.close());

    const openPage = async (options = {}): Promise<void> => {
      watched = await newPage(browser, options);
      page = watched.page;
      page.setDefaultTimeout(10_000);
    };
    const openPrices = async (path = '/pricing'): Promise<void> => {
      await page.goto(`${service.url}${path}#key=${key}`);
      await page.getByRole('button', { name: 'Signed in' }).waitFor();
    };
    const card = (name: string) => page.getByRole('article', { name, exact: true });
    const choose = (name: string) =>
      page.getByRole('button', { name: `Choose ${name}`, exact: true }).click();
    const seeActive = (name: string) =>
      page.getByRole('heading', { name: `You are on ${name}` }).waitFor({ timeout: UNTIL_ACTIVE_MS });
    const standing = async () => {
      const answer = await fetch(`${service.url}/v1/billings/subscription`, {
        headers: { authorization: `Bearer ${key}` },
      });
      const { status, plan } = (await answer.json()) as { status: string; plan: { name: string } | null };
      return { status, plan: plan?.name ?? null };
    };

    it('leads from the price list over a payment to an active plan, without an error on the way', async () => {
      await openPrices();
      await expectText(card(plans.paid.name), plans.paid.monthly);
      await screenshot(page, 'journey-1-pricing');
      await choose(plans.paid.name);

      await arriveAtCheckout(page);
      await screenshot(page, 'journey-2-checkout');
      expect(await axe(page)).toEqual([]);
      await payWith(page, 'Successful card');

      await page.waitForURL(/\/checkout\/return\?session_id=cs_/);
      await seeActive(plans.paid.name);
      await expectText(page.getByRole('main'), plans.paid.monthly);
      await screenshot(page, 'journey-3-active');
      expect(await standing()).toEqual({ status: 'ACTIVE', plan: plans.paid.name });
      expect(watched.consoleErrors).toEqual([]);
      expect(watched.failedRequests).toEqual([]);
    }, 60_000);

    it('sells the yearly variant at its yearly price', async () => {
      await openPrices('/pricing?interval=yearly');
      await choose(plans.paid.name);
      await arriveAtCheckout(page);
      await payWith(page, 'Successful card');
      await seeActive(plans.paid.name);
      await expectText(page.getByRole('main'), plans.paid.yearly);
    }, 60_000);

    it('lets a declined payer try again with another card', async () => {
      await openPrices();
      await choose(plans.paid.name);
      await arriveAtCheckout(page);
      await payWith(page, 'Declining card');
      await expectText(page.getByRole('alert').filter({ hasText: 'declined' }), 'declined');
      expect((await standing()).status).not.toBe('ACTIVE');
      await payWith(page, 'Successful card');
      await seeActive(plans.paid.name);
    }, 60_000);

    it('takes a payment that the bank wants authenticated, after a failed authentication too', async () => {
      await openPrices();
      await choose(plans.paid.name);
      await arriveAtCheckout(page);
      await payWith(page, '3-D Secure card');
      await screenshot(page, 'journey-3ds');
      await authenticate(page, 'Fail');
      await page.getByText('unable to authenticate').waitFor();
      expect((await standing()).status).not.toBe('ACTIVE');
      await payWith(page, '3-D Secure card');
      await authenticate(page, 'Complete');
      await seeActive(plans.paid.name);
      expect(await standing()).toEqual({ status: 'ACTIVE', plan: plans.paid.name });
    }, 60_000);

    it('tells at its field that a code is unknown, and sells without it', async () => {
      await openPrices();
      await page.getByRole('button', { name: 'Have a code?' }).click();
      const field = page.getByLabel('Discount code');
      await field.fill('NO_SUCH_CODE');
      await choose(plans.paid.name);
      await page.locator('input[aria-invalid="true"]').waitFor();
      await screenshot(page, 'journey-code-refused');
      await field.fill('');
      await choose(plans.paid.name);
      await arriveAtCheckout(page);
    }, 60_000);

    it('charges nothing when the payer turns back', async () => {
      await openPrices();
      await choose(plans.paid.name);
      await arriveAtCheckout(page);
      await page.getByRole('link', { name: /^Back to/ }).click();
      await page.getByRole('heading', { name: 'Nothing was charged' }).waitFor();
      await page.getByRole('main').getByRole('link', { name: 'Back to plans' }).click();
      await card(plans.paid.name).waitFor();
      expect((await standing()).status).not.toBe('ACTIVE');
    }, 60_000);

    it('knows the plan afterwards, and does not start a second subscription', async () => {
      await openPrices();
      await choose(plans.paid.name);
      await arriveAtCheckout(page);
      await payWith(page, 'Successful card');
      await seeActive(plans.paid.name);

      await page.getByRole('main').getByRole('link', { name: 'Back to plans' }).click();
      await expectText(card(plans.paid.name), 'Current plan');
      await choose(plans.other.name);
      await expectText(card(plans.other.name), 'You already have a subscription');
      expect(await standing()).toEqual({ status: 'ACTIVE', plan: plans.paid.name });
    }, 60_000);

    it('starts a free plan without a payment page', async () => {
      await openPrices();
      await choose(plans.free.name);
      await page.waitForURL('**/checkout/return?free=1');
      await seeActive(plans.free.name);
      expect(await standing()).toEqual({ status: 'FREE', plan: plans.free.name });
    }, 60_000);

    it('works on a narrow screen in the dark', async () => {
      await watched.close();
      await openPage({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
      await openPrices();
      await choose(plans.paid.name);
      await arriveAtCheckout(page);
      await screenshot(page, 'journey-2-checkout-360-dark');
      expect(
        await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'),
      ).toBeLessThanOrEqual(0);
      await payWith(page, 'Successful card');
      await seeActive(plans.paid.name);
      await screenshot(page, 'journey-3-active-360-dark');
    }, 60_000);
  });
}
