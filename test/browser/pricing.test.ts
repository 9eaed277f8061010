import type { Browser, Page } from 'playwright-core';
import { axe, launchBrowser, newPage, screenshot, type WatchedPage } from '../support/browser';
import { expectText } from './expect-text';
import {
  activeOn,
  enterprise,
  free,
  ownTrialOf,
  plan,
  priceList,
  pro,
  publicPlans,
  starter,
  subscription,
} from './offers';
import { ok, problem, startStandIn, type Script, type StandIn } from './stand-in';
import { waitUntil } from './wait-until';

const KEY = 'tb_test_aaaaaaaaaaaa_secret';
const CHECKOUT = 'POST /v1/billings/subscription/checkout';
const SUBSCRIPTION = 'GET /v1/billings/subscription';

/** A service where all goes well: the tenant has nothing yet, and a checkout leads to a page to pay on. */
const service: Script = {
  'GET /v1/plans': (request) => ok(priceList(request.key ? [...publicPlans, enterprise] : publicPlans)),
  [SUBSCRIPTION]: ({ key }) => (key === KEY ? ok(subscription()) : problem(401, 'unauthenticated')),
  [CHECKOUT]: ok({ id: 'cs_1', url: '/paid-here', expires_at: '2026-11-22T12:00:00Z' }, 201),
};

describe('the pricing page', () => {
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

  const open = async (script: Script = {}, path = '/pricing', options = {}): Promise<void> => {
    standIn = await startStandIn({ ...service, ...script });
    watched = await newPage(browser, options);
    page = watched.page;
    page.setDefaultTimeout(8_000);
    await page.goto(standIn.url + path);
  };
  const card = (name: string) => page.getByRole('article', { name, exact: true });
  const choose = (name: string) => page.getByRole('button', { name: `Choose ${name}`, exact: true });

  describe.each(['light', 'dark'] as const)('in %s colours', (colorScheme) => {
    it.each([360, 768, 1280])('is readable, accessible and quiet at %i px', async (width) => {
      await open({}, `/pricing#key=${KEY}`, { colorScheme, viewport: { width, height: 800 } });
      await card('Acme Rockets').waitFor();
      await screenshot(page, `pricing-${width}-${colorScheme}`);
      expect(await axe(page)).toEqual([]);
      expect(
        await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'),
      ).toBeLessThanOrEqual(0);
      expect(watched.consoleErrors).toEqual([]);
      expect(watched.failedRequests).toEqual([]);
    });
  });

  it('is where the root address leads', async () => {
    await open({}, '/');
    await page.waitForURL('**/pricing');
    await waitUntil(async () => (await page.title()) === 'Plans and prices · Tenant Billing');
  });

  it('shows monthly prices first, and yearly ones with their saving and monthly equivalent', async () => {
    await open();
    await expectText(card('Starter'), '$29 / month');
    await page.locator('label', { hasText: 'Yearly' }).click();
    await expectText(card('Starter'), '$290 / year', 'about $24.17 a month', 'You save $58 (16.7%)');
    await expectText(card('Pro'), '$990 / year', '$82.50 a month', 'You save $198 (16.7%)');
    await expectText(card('Free'), '$0');
    expect(page.url()).toContain('interval=yearly');
  });

  it('highlights the recommended plan with its reason, in both rhythms', async () => {
    await open({}, '/pricing?interval=yearly');
    await expectText(card('Pro'), 'Recommended', 'Chosen by most teams');
    expect(await card('Starter').getByText('Recommended').count()).toBe(0);
  });

  it('shows the plan that a refused action has suggested, in its own rhythm', async () => {
    await open({}, '/pricing?plan=pro-yearly');
    await expectText(card('Pro'), 'Suggested for you', '$990 / year');
    expect(await card('Starter').getByText('Suggested').count()).toBe(0);
    await page.locator('label', { hasText: 'Monthly' }).click();
    await expectText(card('Pro'), 'Suggested for you');
    expect(page.url()).toContain('plan=pro-yearly');
    await open({}, '/pricing?plan=no-such-plan');
    await expectText(card('Pro'), 'Recommended');
  });

  it('names limits and features for people, and builds on the plan below', async () => {
    await open();
    await expectText(card('Free'), '1 team seat', '500 e-mails per month', 'Referral links');
    await expectText(card('Pro'), 'Unlimited e-mails', 'Everything in Starter, and', 'SSO');
    expect(await card('Pro').getByText('Custom branding').count()).toBe(0);
  });

  it('compares every plan in a table', async () => {
    await open();
    const row = (name: string) => page.getByRole('row', { name: new RegExp(`^${name}`) });
    await row('SSO').waitFor();
    expect(await row('SSO').getByRole('cell').allInnerTexts()).toEqual([
      'Not included',
      'Not included',
      'Included',
    ]);
    expect(await row('E-mails per month').getByRole('cell').allInnerTexts()).toEqual([
      '500',
      '5,000',
      'Unlimited',
    ]);
  });

  it.each([
    ['JPY', 3000, '¥3,000 / month'],
    ['KWD', 12500, 'KWD 12.500 / month'],
    ['EUR', 1999, '€19.99 / month'],
  ])('writes %s from its own minor unit', async (currency, amount, text) => {
    await open({
      'GET /v1/plans': ok(priceList([plan({ id: 'p', name: 'Local', slug: 'local', amount, currency })])),
    });
    await expectText(card('Local'), text);
  });

  describe('signing in', () => {
    it('takes the key from the fragment, removes it from the address, and keeps it for the tab only', async () => {
      await open({}, `/pricing#key=${KEY}`);
      await page.getByRole('button', { name: 'Signed in' }).waitFor();
      expect(page.url()).toBe(`${standIn.url}/pricing`);
      expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(KEY);
      expect(standIn.sent('GET /v1/plans').every(({ key }) => key === KEY)).toBe(true);

      await page.reload();
      await page.getByRole('button', { name: 'Signed in' }).waitFor();
      await page.goBack();
      expect(page.url()).toBe('about:blank');

      const otherTab = await page.context().newPage();
      await otherTab.goto(`${standIn.url}/pricing`);
      await otherTab.getByRole('button', { name: 'Sign in' }).waitFor();
    });

    it('takes a key that arrives by a link in an open tab', async () => {
      await open();
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      await page.evaluate(`location.hash = '#key=${KEY}'`);
      await page.getByRole('button', { name: 'Signed in' }).waitFor();
      expect(page.url()).toBe(`${standIn.url}/pricing`);
      await card('Acme Rockets').waitFor();
    });

    it("shows the tenant's own plan, and not after signing out", async () => {
      await open({}, `/pricing#key=${KEY}`);
      await expectText(card('Acme Rockets'), 'Made for you', 'Paid by invoice');
      await page.getByRole('button', { name: 'Signed in' }).click();
      await page.getByRole('menuitem', { name: 'Sign out' }).click();
      await card('Acme Rockets').waitFor({ state: 'detached' });
      expect(await page.evaluate('sessionStorage.length')).toBe(0);
    });

    it('marks the plan the tenant has, and does not sell it twice', async () => {
      await open({ [SUBSCRIPTION]: ok(activeOn(pro)) }, `/pricing#key=${KEY}`);
      await expectText(card('Pro'), 'Current plan');
      expect(await card('Pro').getByRole('button', { name: 'Your current plan' }).isDisabled()).toBe(true);
    });

    it('tells that the offer is held in the other rhythm', async () => {
      await open({ [SUBSCRIPTION]: ok(activeOn(pro)) }, `/pricing?interval=yearly#key=${KEY}`);
      await expectText(card('Pro'), 'Yours, paid monthly');
    });

    it('offers free days to newcomers only', async () => {
      const list = priceList([{ ...starter, trial_days: 14 }]);
      await open({ 'GET /v1/plans': ok(list), [SUBSCRIPTION]: ok(ownTrialOf(pro)) });
      await expectText(card('Starter'), '14 days free for newcomers');
      await page.goto(`${standIn.url}/pricing#key=${KEY}`);
      await page.getByRole('button', { name: 'Signed in' }).waitFor();
      await page.getByText('14 days free').waitFor({ state: 'detached' });
    });

    it("sells the plan of the service's own trial", async () => {
      await open({ [SUBSCRIPTION]: ok(ownTrialOf(starter)) }, `/pricing#key=${KEY}`);
      await expectText(card('Starter'), 'Your trial plan');
      expect(await choose('Starter').isEnabled()).toBe(true);
    });

    it('falls back to the public list and asks again when the key in the tab is refused', async () => {
      const refuse = problem(401, 'unauthenticated');
      await open(
        { 'GET /v1/plans': ({ key }) => (key ? refuse : ok(priceList(publicPlans))), [SUBSCRIPTION]: refuse },
        `/pricing#key=${KEY}`,
      );
      await page.getByText('Your key is no longer valid').waitFor();
      expect(await page.evaluate('sessionStorage.length')).toBe(0);
      await page.keyboard.press('Escape');
      await card('Pro').waitFor();
    });
  });

  describe('choosing a plan', () => {
    it('asks for the key, tells a wrong one, and goes on to the payment page with the right one', async () => {
      await open();
      await choose('Pro').click();
      await page.getByLabel('Paste your tenant key').fill('tb_test_wrong');
      await page.keyboard.press('Enter');
      await page.getByText('This key is not valid').waitFor();
      await page.getByLabel('Paste your tenant key').fill(`  ${KEY}\n`);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/paid-here');
      expect(standIn.sent(CHECKOUT)).toMatchObject([
        {
          key: KEY,
          idempotencyKey: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
          body: {
            plan_id: pro.id,
            success_url: `${standIn.url}/checkout/return?session_id={CHECKOUT_SESSION_ID}`,
            cancel_url: `${standIn.url}/checkout/canceled`,
          },
        },
      ]);
    });

    it('can be done with the keyboard alone', async () => {
      await open({}, `/pricing#key=${KEY}`);
      await choose('Starter').waitFor();
      for (let presses = 0; presses < 30; presses += 1) {
        await page.keyboard.press('Tab');
        if ((await page.evaluate('document.activeElement.innerText')) === 'Choose Starter') break;
      }
      await page.keyboard.press('Enter');
      await page.waitForURL('**/paid-here');
      expect(standIn.sent(CHECKOUT)).toMatchObject([{ body: { plan_id: starter.id } }]);
    });

    it('is not busy any more after coming back from the payment page', async () => {
      await open({}, `/pricing#key=${KEY}`);
      await choose('Pro').click();
      await page.waitForURL('**/paid-here');
      await page.goBack();
      await choose('Pro').click();
      await page.waitForURL('**/paid-here');
      const [first, second] = standIn.sent(CHECKOUT);
      expect(second?.idempotencyKey).not.toBe(first?.idempotencyKey);
    });

    it('sends one request however often the button is pressed', async () => {
      await open(
        { [CHECKOUT]: { ...ok({ id: 'cs_1', url: '/paid-here' }, 201), delayMs: 400 } },
        `/pricing#key=${KEY}`,
      );
      await choose('Pro').waitFor();
      // Three clicks within one task: faster than React can draw the busy state.
      await page.evaluate(`
        const button = [...document.querySelectorAll('button')].find(({ innerText }) => innerText === 'Choose Pro');
        button.click(), button.click(), button.click();
      `);
      await card('Pro').locator('button[data-loading]').waitFor();
      expect(await choose('Starter').isDisabled()).toBe(true);
      await page.waitForURL('**/paid-here');
      expect(standIn.sent(CHECKOUT)).toHaveLength(1);
    });

    it('repeats a cut-off request with the same idempotency key', async () => {
      // Until told otherwise, not only once: Chromium itself repeats a request whose connection was cut.
      let broken = true;
      const paid = ok({ id: 'cs_1', url: '/paid-here' }, 201);
      await open({ [CHECKOUT]: () => (broken ? 'cut' : paid) }, `/pricing#key=${KEY}`);
      await choose('Pro').click();
      await expectText(card('Pro'), 'We cannot reach the billing service');
      broken = false;
      await choose('Pro').click();
      await page.waitForURL('**/paid-here');
      const keys = standIn.sent(CHECKOUT).map(({ idempotencyKey }) => idempotencyKey);
      expect(keys.length).toBeGreaterThan(1);
      expect(new Set(keys).size).toBe(1);
      expect(keys[0]).toBeTruthy();
    });

    it('shows a refused code at its field, and tries the next one with a new idempotency key', async () => {
      await open(
        {
          [CHECKOUT]: (_, before) =>
            before === 0
              ? problem(422, 'coupon_invalid', 'This code has expired.')
              : ok({ id: 'cs_1', url: '/paid-here' }, 201),
        },
        `/pricing#key=${KEY}`,
      );
      await page.getByRole('button', { name: 'Have a code?' }).click();
      const field = page.getByLabel('Discount code');
      await field.fill('SUMMER');
      await choose('Pro').click();
      await page.getByText('This code has expired.').waitFor();
      expect(await page.evaluate('document.activeElement.value')).toBe('SUMMER');
      expect(await axe(page)).toEqual([]);
      await field.fill('WINTER');
      expect(await page.getByText('This code has expired.').count()).toBe(0);
      await choose('Pro').click();
      await page.waitForURL('**/paid-here');
      const [first, second] = standIn.sent(CHECKOUT);
      expect([first?.body, second?.body]).toMatchObject([{ coupon: 'SUMMER' }, { coupon: 'WINTER' }]);
      expect(second?.idempotencyKey).not.toBe(first?.idempotencyKey);
    });

    it('tells at the field that a code is written wrongly', async () => {
      const wrong = problem(400, 'validation_failed');
      const errors = [{ pointer: '/coupon', code: 'matches', message: 'As the test wants it.' }];
      await open(
        { [CHECKOUT]: { ...wrong, body: { ...(wrong.body as object), errors } } },
        `/pricing#key=${KEY}`,
      );
      await page.getByRole('button', { name: 'Have a code?' }).click();
      await page.getByLabel('Discount code').fill('20 % off');
      await choose('Pro').click();
      await page.getByText('This code cannot be used').waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
    });

    it('passes on what the service advises for a code of its own that we have no words for', async () => {
      await open({ [CHECKOUT]: problem(422, 'a_new_code', 'Do this instead.') }, `/pricing#key=${KEY}`);
      await choose('Pro').click();
      await expectText(card('Pro').getByRole('alert'), 'Something went wrong', 'Do this instead.');
    });

    it.each([
      [problem(409, 'subscription_exists'), 'You already have a subscription'],
      [problem(402, 'payment_required'), 'A payment is needed first'],
      [problem(403, 'tenant_suspended'), 'This account is suspended'],
      [problem(503, 'stripe_unavailable'), 'The payment provider does not answer'],
    ])('says on the card what is in the way (%#)', async (refusal, words) => {
      await open({ [CHECKOUT]: refusal }, `/pricing#key=${KEY}`);
      await choose('Pro').click();
      await expectText(card('Pro').getByRole('alert'), words, 'req_of_the_test');
      expect(await axe(page)).toEqual([]);
      expect(await choose('Pro').isEnabled()).toBe(true);
    });

    it('drops a key that is refused at the checkout, and goes on after a new sign-in', async () => {
      await open(
        {
          [SUBSCRIPTION]: ok(subscription()),
          [CHECKOUT]: ({ key }) =>
            key === KEY ? problem(401, 'unauthenticated') : ok({ id: 'cs_1', url: '/paid-here' }, 201),
        },
        `/pricing#key=${KEY}`,
      );
      await choose('Pro').click();
      await page.getByLabel('Paste your tenant key').fill('tb_test_second');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/paid-here');
      expect(standIn.sent(CHECKOUT).map(({ key }) => key)).toEqual([KEY, 'tb_test_second']);
    });

    it('starts a free plan without a payment page', async () => {
      const onFree = subscription({ status: 'FREE', plan: free });
      await open(
        {
          [SUBSCRIPTION]: () => ok(standIn.sent(CHECKOUT).length > 0 ? onFree : subscription()),
          [CHECKOUT]: ok(
            { id: null, url: null, expires_at: null, status: 'active', subscription: onFree },
            201,
          ),
        },
        `/pricing#key=${KEY}`,
      );
      await choose('Free').click();
      await page.waitForURL('**/checkout/return?free=1');
      await page.getByRole('heading', { name: 'You are on Free' }).waitFor();
      await page.getByText('There is nothing to pay').waitFor();
    });

    it('never follows an address that is no web address', async () => {
      await open(
        { [CHECKOUT]: ok({ id: 'cs_1', url: 'javascript:document.title="followed"' }, 201) },
        `/pricing#key=${KEY}`,
      );
      await choose('Pro').click();
      await expectText(card('Pro'), 'The answer could not be read');
      expect(await page.title()).toBe('Plans and prices · Tenant Billing');
    });
  });

  it('offers to load again when a file of the page is gone, as after a new release', async () => {
    standIn = await startStandIn(service);
    watched = await newPage(browser);
    page = watched.page;
    await page.route('**/assets/pricing-page*.js', (route) => route.abort());
    await page.goto(`${standIn.url}/pricing`);
    await page.getByRole('heading', { name: 'This page could not be shown' }).waitFor();
    await page.unroute('**/assets/pricing-page*.js');
    await page.getByRole('button', { name: 'Load again' }).click();
    await card('Pro').waitFor();
  });

  it('shows that plans are loading, then the plans', async () => {
    await open({ 'GET /v1/plans': { ...ok(priceList(publicPlans)), delayMs: 700 } });
    await page.getByRole('status', { name: 'Loading plans' }).waitFor();
    expect(await axe(page)).toEqual([]);
    await card('Pro').waitFor();
  });

  it('says so when there are no plans', async () => {
    await open({ 'GET /v1/plans': ok(priceList([])) });
    await page.getByRole('heading', { name: 'No plans yet' }).waitFor();
    expect(await axe(page)).toEqual([]);
  });

  it('says what is wrong when the list cannot be read, and reads it again on demand', async () => {
    let broken = true;
    await open({
      'GET /v1/plans': () => (broken ? problem(503, 'dependency_unavailable') : ok(priceList(publicPlans))),
    });
    await expectText(page.getByRole('alert'), 'The billing service is not ready', 'req_of_the_test');
    expect(await axe(page)).toEqual([]);
    broken = false;
    await page.getByRole('button', { name: 'Try again' }).click();
    await card('Pro').waitFor();
  });
});
