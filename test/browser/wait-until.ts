import { setTimeout as pause } from 'node:timers/promises';

/**
 * Waits until something holds, asked from outside the page: an expression that Playwright polls inside it is an
 * eval, which the pages' policy forbids (only its first try happens to be let through).
 */
export async function waitUntil(holds: () => boolean | Promise<boolean>, timeoutMs = 8_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for: ${holds.toString()}`);
    await pause(50);
  }
}
