import type { Browser } from 'playwright-core';
import { renderMessage } from '../../src/modules/notifications/templates/render';
import { axe, launchBrowser, newPage, screenshot } from '../support/browser';

const PUBLIC_URL = 'https://billing.example.test';
const MAILS = {
  welcome: renderMessage(
    {
      type: 'welcome',
      locale: 'en',
      content: { tenant_name: 'Acme Referrals', trial_ends_at: '2026-12-05T10:00:00.000Z' },
    },
    PUBLIC_URL,
  ),
  receipt: renderMessage(
    {
      type: 'receipt',
      locale: 'de',
      content: {
        tenant_name: 'Donaudampfschifffahrtsgesellschaftskapitänsmützenfabrik GmbH & Co. KG',
        plan_name: 'Enterprise',
        quantity: 12,
        amount: 118_800_00,
        currency: 'eur',
        interval: 'year',
        interval_count: 2,
        period_start: '2026-11-21T10:00:00.000Z',
        period_end: '2028-11-21T10:00:00.000Z',
        renews_at: '2028-11-21T10:00:00.000Z',
        trial_ends_at: null,
      },
    },
    PUBLIC_URL,
  ),
  'usage alert': renderMessage(
    {
      type: 'usage_alert',
      locale: 'en',
      content: {
        tenant_name: 'Acme Referrals',
        metric_name: 'E-mails sent',
        percent: 100,
        severity: 'limit',
        current_usage: '12345678901234567890.123456789',
        limit: 10_000,
        grace_limit: 10_000,
        resets_at: '2026-12-01T00:00:00.000Z',
      },
    },
    PUBLIC_URL,
  ),
  'usage summary': renderMessage(
    {
      type: 'usage_summary',
      locale: 'de',
      content: {
        tenant_name: 'Acme Referrals',
        period_start: '2026-11-01T00:00:00.000Z',
        period_end: '2026-12-01T00:00:00.000Z',
        metrics: [
          { name: 'E-mails sent', is_gauge: false, current_usage: 8000, limit: 10_000 },
          { name: 'API calls', is_gauge: false, current_usage: '0.5', limit: null },
          { name: 'Seats', is_gauge: true, current_usage: 4, limit: 5 },
        ],
      },
    },
    PUBLIC_URL,
  ),
};

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

describe.each(Object.entries(MAILS))('the %s mail', (name, { html }) => {
  it.each([
    [320, 'light'],
    [320, 'dark'],
    [800, 'light'],
    [800, 'dark'],
  ] as const)('reads well at %i px in %s', async (width, colorScheme) => {
    const { page, close } = await newPage(browser, { viewport: { width, height: 700 }, colorScheme });
    await page.setContent(html);
    await screenshot(page, `mail-${name}-${width}-${colorScheme}`);
    const widest = await page.evaluate('document.documentElement.scrollWidth');
    expect(widest).toBeLessThanOrEqual(width);
    expect(await axe(page)).toEqual([]);
    await close();
  });
});
