import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Browser } from 'playwright-core';
import { type Mailbox, startMailbox } from '../../sandbox/mail/server';
import { axe, launchBrowser, newPage, screenshot } from '../support/browser';

jest.setTimeout(60_000);

let dir: string;
let mailbox: Mailbox;
let browser: Browser;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-mail-page-'));
  mailbox = await startMailbox({ dir });
  const transport = createTransport(mailbox.smtpUrl);
  await transport.sendMail({
    from: 'Billing <billing@example.com>',
    to: 'ada@example.com',
    subject: 'Your trial ends in 3 days',
    text: 'Choose a plan.',
    html: '<h1>Three days left</h1><script>document.title = "taken over"</script><img src="/nowhere.png">',
  });
  await transport.sendMail({
    from: 'Billing <billing@example.com>',
    to: 'an-address-that-is-longer-than-any-narrow-screen-could-show@example-company.example',
    subject: 'Receipt',
    text: 'Paid.',
  });
  transport.close();
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await mailbox.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe('the mailbox in a browser', () => {
  it('finds a message by a word, opens it, and shows its HTML without running it', async () => {
    const { page, failedRequests, close } = await newPage(browser);
    await page.goto(mailbox.url);
    await page.getByRole('searchbox').fill('trial');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=trial/);
    expect(await page.getByRole('listitem').count()).toBe(1);
    await page.getByRole('link', { name: /Your trial ends/ }).click();
    await page.frameLocator('iframe').getByRole('heading', { name: 'Three days left' }).waitFor();
    expect(await page.getByText('Choose a plan.').isVisible()).toBe(true);
    expect(await page.title()).toContain('Your trial ends');
    // Not even the picture was asked for.
    expect(failedRequests.filter((line) => line.includes('→ 404'))).toEqual([]);
    expect(await axe(page)).toEqual([]);
    await screenshot(page, 'mailbox-message');
    await close();
  });

  it.each([360, 1280])('reads well %i pixels wide, in light and dark', async (width) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, consoleErrors, close } = await newPage(browser, {
        viewport: { width, height: 800 },
        colorScheme,
      });
      await page.goto(mailbox.url);
      expect(await page.getByRole('listitem').count()).toBe(2);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      expect(await axe(page)).toEqual([]);
      expect(consoleErrors).toEqual([]);
      await screenshot(page, `mailbox-${width}-${colorScheme}`);
      await close();
    }
  });
});
