import type { Locator } from 'playwright-core';

/** Waits until each text is seen inside the place, whatever markup it is made of. */
export async function expectText(place: Locator, ...texts: string[]): Promise<void> {
  await place.waitFor();
  for (const text of texts) {
    try {
      await place.filter({ hasText: text }).first().waitFor({ timeout: 5_000 });
    } catch {
      throw new Error(`no "${text}" in: ${await place.innerText()}`);
    }
  }
}
