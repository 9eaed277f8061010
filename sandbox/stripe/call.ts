import type Stripe from 'stripe';
import type { Account } from './account';
import { StripeApiError } from './errors';

/** One API operation to be executed: its account, its checked parameters and the id in its path. */
export interface Call<P> {
  account: Account;
  params: P;
  /** The id in the path; empty for collections. */
  id: string;
}

/** Executes an operation. Runs inside a transaction and never waits. */
export type Handler<P> = (call: Call<P>) => object;

/**
 * Refuses parameters that Stripe knows and the sandbox does not act on.
 * Ignoring them would let a service believe that they worked.
 */
export function only<P extends object>(params: P, ...supported: (keyof P & string)[]): void {
  for (const name of Object.keys(params)) {
    if (name === 'expand' || (supported as string[]).includes(name)) continue;
    throw new StripeApiError(400, {
      type: 'invalid_request_error',
      code: 'sandbox_unsupported',
      param: name,
      message: `The Stripe sandbox does not support the parameter '${name}' here yet. It is a real Stripe parameter.`,
    });
  }
}

/** `''` (what the SDK sends for null) and absence are both "nothing". */
export function orNull<T>(value: T | '' | null | undefined): T | null {
  return value === '' || value === undefined ? null : value;
}

/** The new value of an updatable field: absent keeps the old one, `''` clears it. */
export function updated<T>(value: T | '' | null | undefined, current: T | null): T | null {
  return value === undefined ? current : value === '' ? null : value;
}

/** All six fields of an address, as Stripe answers them. */
export function fullAddress(address: Stripe.AddressParam | '' | null | undefined): Stripe.Address | null {
  if (!address) return null;
  const {
    city = null,
    country = null,
    line1 = null,
    line2 = null,
    postal_code = null,
    state = null,
  } = address;
  return { city, country, line1, line2, postal_code, state };
}
