import { Inject, Injectable, OnModuleInit } from '@nestjs/common';
import { BillingError } from '../contracts/errors';
import { CONFIG } from '../platform/config/config.module';
import type { Config } from '../platform/config/env';
import { Fired, TimePartner, TimeTravel } from '../platform/sandbox-clock/time-travel';
import { TestClocks } from './test-clocks';

const TIMEOUT_MS = 60_000;

/**
 * Takes Stripe along when the sandbox moves time: the Stripe sandbox over its controls, Stripe itself (in test mode)
 * over its test clocks.
 */
@Injectable()
export class SandboxTime implements TimePartner, OnModuleInit {
  private readonly base: string | null;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly timeTravel: TimeTravel,
    private readonly testClocks: TestClocks,
  ) {
    this.base = config.stripe.apiBase;
  }

  onModuleInit(): void {
    if (!this.config.sandbox) return;
    this.timeTravel.takeAlong(this.base === null ? this.testClocks : this);
  }

  async nextDue(): Promise<Date | null> {
    const { next_due } = await this.ask<{ next_due: { at: number } | null }>('GET', 'clock');
    return next_due === null ? null : new Date(next_due.at * 1000);
  }

  async moveTo(moment: Date): Promise<Fired[]> {
    // Stripe's time has whole seconds; what is due at one has happened when it has begun.
    const to = Math.floor(moment.getTime() / 1000);
    const { fired } = await this.ask<{ fired: { at: number; what: string; object: string }[] }>(
      'POST',
      'clock',
      { to },
    );
    await this.ask('POST', 'deliveries/idle', {});
    return fired.map(({ at, what, object }) => ({ at: new Date(at * 1000), what, object }));
  }

  private async ask<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.base}/_sandbox/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((cause: unknown) => {
      throw new BillingError('stripe_unavailable', { retryAfter: 2, cause });
    });
    if (!answer.ok)
      throw new BillingError('stripe_unavailable', {
        detail: `The Stripe sandbox answered ${answer.status} to ${method} ${path}.`,
      });
    return (await answer.json()) as T;
  }
}
