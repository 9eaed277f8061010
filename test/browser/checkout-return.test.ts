import type { Browser, Page } from 'playwright-core';
import { axe, launchBrowser, newPage, screenshot, type WatchedPage } from '../support/browser';
import { expectText } from './expect-text';
import { activeOn, free, ownTrialOf, priceList, pro, publicPlans, starter, subscription } from './offers';
import { ok, problem, startStandIn, type Script, type StandIn } from './stand-in';
import { waitUntil } from './wait-until';

const KEY = 'tb_test_aaaaaaaaaaaa_secret';
const CHECKOUT = 'GET /v1/billings/subscription/checkout/cs_1';
const SUBSCRIPTION = 'GET /v1/billings/subscription';
const RETURN = '/checkout/return?session_id=cs_1';

const checkout = (status: 'open' | 'complete' | 'expired') =>
  ok({ id: 'cs_1', status, plan_id: pro.id, url: '/paid-here', expires_at: '2026-11-22T12:00:00Z' });

/** A purchase that is paid and in force. */
const service: Script = {
  'GET /v1/plans': ok(priceList(publicPlans)),
  [SUBSCRIPTION]: ok(activeOn(pro)),
  [CHECKOUT]: checkout('complete'),
};

describe('the pages after a checkout', () => {
  let browser: Browser;
  let standIn: StandIn;
  let watched: WatchedPage;
  let page: Page;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    await watched.close();
    await standIn.close();
  });

  const prepare = async (script: Script, options = {}): Promise<void> => {
    standIn = await startStandIn({ ...service, ...script });
    watched = await newPage(browser, options);
    page = watched.page;
    page.setDefaultTimeout(8_000);
  };
  const open = async (script: Script = {}, path = `${RETURN}#key=${KEY}`, options = {}): Promise<void> => {
    await prepare(script, options);
    await page.goto(standIn.url + path);
  };
  const heading = (name: string) => page.getByRole('heading', { level: 1, name });

  it('shows what was bought: plan, price and next renewal', async () => {
    await open();
    await heading('You are on Pro').waitFor();
    await expectText(page.getByRole('main'), '$99 / month', 'Renews on', 'December 21, 2026');
    expect(watched.consoleErrors).toEqual([]);
  });

  it('waits for the webhook, and does not take the trial before it for the purchase', async () => {
    await open({
      [CHECKOUT]: (_, before) => checkout(before < 1 ? 'open' : 'complete'),
      [SUBSCRIPTION]: () => ok(standIn.sent(CHECKOUT).length < 4 ? ownTrialOf(pro) : activeOn(pro)),
    });
    await heading('Confirming your purchase').waitFor();
    await heading('You are on Pro').waitFor();
    expect(standIn.sent(CHECKOUT).length).toBeGreaterThanOrEqual(4);
  });

  it('announces each change to screen readers', async () => {
    await open({ [SUBSCRIPTION]: (_, before) => ok(before < 3 ? ownTrialOf(starter) : activeOn(pro)) });
    const region = page.locator('[aria-live="polite"]', { has: heading('Confirming your purchase') });
    await region.waitFor();
    await page.locator('[aria-live="polite"]', { has: heading('You are on Pro') }).waitFor();
  });

  it('goes on asking while the service does not answer', async () => {
    await open({
      [SUBSCRIPTION]: (_, before) => (before < 3 ? problem(503, 'overloaded') : ok(activeOn(pro))),
    });
    await heading('Confirming your purchase').waitFor();
    await heading('You are on Pro').waitFor({ timeout: 12_000 });
  });

  it('changes its words while it waits, gives up politely after a minute, and asks again on demand', async () => {
    let confirmed = false;
    await prepare({ [SUBSCRIPTION]: () => ok(confirmed ? activeOn(pro) : subscription()) });
    await page.clock.install();
    await page.goto(`${standIn.url}${RETURN}#key=${KEY}`);
    await page.getByText('Confirming with the payment provider').waitFor();
    await page.clock.runFor(20_000);
    await page.getByText('This takes a little longer than usual').waitFor();
    await page.clock.runFor(45_000);
    await heading('The confirmation is late').waitFor();
    await page.getByText('do not pay a second time').waitFor();
    expect(await axe(page)).toEqual([]);

    const asked = standIn.sent(CHECKOUT).length;
    await page.clock.runFor(30_000);
    expect(standIn.sent(CHECKOUT)).toHaveLength(asked);

    confirmed = true;
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.clock.runFor(2_000);
    await heading('You are on Pro').waitFor();
  });

  it('leads back to an unpaid checkout, but only when it stays unpaid', async () => {
    await prepare({ [CHECKOUT]: checkout('open'), [SUBSCRIPTION]: ok(subscription()) });
    await page.clock.install();
    await page.goto(`${standIn.url}${RETURN}#key=${KEY}`);
    await page.clock.runFor(3_000);
    await waitUntil(() => standIn.sent(CHECKOUT).length >= 2);
    expect(await heading('Confirming your purchase').isVisible()).toBe(true);
    await page.clock.runFor(10_000);
    await heading('This purchase is not paid yet').waitFor();
    expect(await axe(page)).toEqual([]);
  });

  it('says that an expired checkout has expired, and leads to the plans', async () => {
    await open({ [CHECKOUT]: checkout('expired'), [SUBSCRIPTION]: ok(subscription()) });
    await heading('This checkout has expired').waitFor();
    await page.getByRole('link', { name: 'Choose a plan' }).click();
    await heading('A plan for every stage').waitFor();
    expect(await page.evaluate('document.activeElement.innerText')).toBe('A plan for every stage');
  });

  it("does not know another tenant's checkout", async () => {
    await open({ [CHECKOUT]: problem(404, 'not_found') });
    await heading('We do not know this checkout').waitFor();
  });

  it('explains itself in a tab without a key, and goes on after the sign-in', async () => {
    await open({}, RETURN);
    await heading('Sign in to see your purchase').waitFor();
    expect(standIn.requests).toEqual([]);
    await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Paste your tenant key').fill(KEY);
    await page.keyboard.press('Enter');
    await heading('You are on Pro').waitFor();
  });

  it('asks for a new key when the one in the tab is refused', async () => {
    await open({
      [SUBSCRIPTION]: ({ key }) => (key === KEY ? problem(401, 'unauthenticated') : ok(activeOn(pro))),
    });
    await page.getByText('Your key is no longer valid').waitFor();
    await page.getByLabel('Paste your tenant key').fill('tb_test_second');
    await page.keyboard.press('Enter');
    await heading('You are on Pro').waitFor();
  });

  it('confirms a free plan without a payment', async () => {
    await open(
      { [SUBSCRIPTION]: ok(subscription({ status: 'FREE', plan: free })) },
      `/checkout/return?free=1#key=${KEY}`,
    );
    await heading('You are on Free').waitFor();
    expect(standIn.sent(CHECKOUT)).toEqual([]);
  });

  it('says that a trial at Stripe has cost nothing yet, and when it will', async () => {
    await open({ [SUBSCRIPTION]: ok({ ...activeOn(pro), status: 'TRIALING' }) });
    await expectText(page.getByRole('main'), 'Nothing is charged before it ends', 'First payment on');
  });

  it('says when a cancelled subscription ends instead of when it renews', async () => {
    await open({ [SUBSCRIPTION]: ok({ ...activeOn(pro), cancel_at_period_end: true }) });
    await expectText(page.getByRole('main'), 'Ends on', 'December 21, 2026');
    expect(await page.getByText('Renews on').count()).toBe(0);
  });

  it('says that nothing was charged after leaving the payment page', async () => {
    await open({}, '/checkout/canceled');
    await heading('Nothing was charged').waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Back to plans' }).click();
    await heading('A plan for every stage').waitFor();
  });

  it('has a page for addresses that do not exist', async () => {
    await open({}, '/no/such/page');
    await heading('This page does not exist').waitFor();
    expect(watched.consoleErrors).toEqual([]);
  });

  describe.each([
    ['return-active', `${RETURN}#key=${KEY}`, 'You are on Pro'],
    ['return-no-key', RETURN, 'Sign in to see your purchase'],
    ['canceled', '/checkout/canceled', 'Nothing was charged'],
    ['not-found', '/no/such/page', 'This page does not exist'],
  ])('%s', (name, path, title) => {
    it.each([
      [360, 'light'],
      [360, 'dark'],
      [1280, 'light'],
      [1280, 'dark'],
    ] as const)('is accessible and fits at %i px in %s colours', async (width, colorScheme) => {
      await open({}, path, { colorScheme, viewport: { width, height: 800 } });
      await heading(title).waitFor();
      await screenshot(page, `${name}-${width}-${colorScheme}`);
      expect(await axe(page)).toEqual([]);
      expect(
        await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'),
      ).toBeLessThanOrEqual(0);
    });
  });
});
