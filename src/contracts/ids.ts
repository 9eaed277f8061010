/**
 * Branded identifiers: a plan's id cannot be handed to a function that wants a tenant's.
 * All of our own ids are UUIDs (version 7, so they sort by birth); Stripe's keep Stripe's spelling.
 */
declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type TenantId = Id<'TenantId'>;
export type PlanId = Id<'PlanId'>;
export type BillingId = Id<'BillingId'>;
export type ApiKeyId = Id<'ApiKeyId'>;
export type ContactId = Id<'ContactId'>;
export type EventId = Id<'EventId'>;
export type OperationId = Id<'OperationId'>;
export type CheckoutSessionRowId = Id<'CheckoutSessionRowId'>;

export type StripeCustomerId = Id<'StripeCustomerId'>;
export type StripeSubscriptionId = Id<'StripeSubscriptionId'>;
export type StripePriceId = Id<'StripePriceId'>;
export type StripeProductId = Id<'StripeProductId'>;
export type StripeSessionId = Id<'StripeSessionId'>;
export type StripeEventId = Id<'StripeEventId'>;

/** Events and audit rows that belong to no tenant carry this id (decisions 6). */
export const SYSTEM_TENANT = '00000000-0000-0000-0000-000000000000' as TenantId;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text is a UUID in the canonical 8-4-4-4-12 form. */
export function isUuid(text: string): boolean {
  return text.length === 36 && UUID.test(text);
}
