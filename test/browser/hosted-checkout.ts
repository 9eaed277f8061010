import type { Page } from 'playwright-core';

/** The test cards that the Stripe sandbox's payment page offers by name. */
export type TestCard = 'Successful card' | 'Declining card' | '3-D Secure card';

/** Waits for the hosted payment page, wherever the sandbox lives. */
export async function arriveAtCheckout(page: Page): Promise<void> {
  await page.waitForURL(/\/c\/pay\/cs_/);
  await page.getByRole('button', { name: PAY }).waitFor();
}

/** Fills in a test card and presses the page's one button. */
export async function payWith(page: Page, card: TestCard): Promise<void> {
  await page.getByRole('button', { name: card, exact: true }).click();
  await page.getByRole('button', { name: PAY }).click();
}

/** Answers the bank's question in the 3-D Secure dialog. */
export async function authenticate(page: Page, result: 'Complete' | 'Fail'): Promise<void> {
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `${result} authentication` })
    .click();
}

const PAY = /^(Pay|Subscribe|Start trial)/;
