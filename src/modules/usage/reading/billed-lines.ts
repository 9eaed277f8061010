import type { Plan } from '../../plans/plan';

/** A priced line of a subscription. */
export interface BilledLine {
  /** Null for a price that was made by hand in Stripe: what it costs is not known here. */
  readonly plan: Plan | null;
  /** 0 for metered lines, which have none. */
  readonly quantity: number;
  /** Stripe counts and prices it by itself. */
  readonly isMetered: boolean;
}

/** What a tenant is billed for. */
export interface Billed {
  /** Lower-case ISO 4217; null when Stripe has not said. */
  readonly currency: string | null;
  /** False while nothing is charged: in a trial of Stripe's, paused, or ended. */
  readonly isCharged: boolean;
  readonly lines: readonly BilledLine[];
}

/**
 * Port to those who know what tenants pay for: subscriptions stand above usage in the module graph, so they come
 * to us. Implemented and provided globally by modules/billing.
 */
export abstract class BilledLines {
  /** Of the tenant in the context; null when it pays for nothing. */
  abstract ofTenant(): Promise<Billed | null>;
}
