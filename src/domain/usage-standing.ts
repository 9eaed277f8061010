import { addDecimals, compareDecimals, Decimal, parseDecimal, quantityToJson } from './decimal';
import { EffectiveLimit, remainingOf } from './limit';

/** A quantity as the API shows it: a JSON integer when that is safe, else a decimal text (decisions 9). */
export type Amount = number | string;

/** Where a counter stands against its limit, as every reader is told. */
export interface UsageStanding {
  readonly current_usage: Amount;
  readonly reserved: Amount;
  /** null = unlimited. */
  readonly limit: number | null;
  readonly grace_limit: number | null;
  /** To one decimal, rounded down so that 100 means reached; null where there is no limit to be a part of. */
  readonly percent: number | null;
  /** What may still be used before the limit, reservations counted; never below 0; null = unlimited. */
  readonly remaining: Amount | null;
  readonly over_limit: boolean;
}

/** All that follows from a counter and its limit. `used` and `reserved` are decimal texts, as Postgres gives them. */
export function usageStanding(
  { limit, grace_limit }: Pick<EffectiveLimit, 'limit' | 'grace_limit'>,
  used: string,
  reserved: string,
): UsageStanding {
  const [counted, held] = [decimal(used), decimal(reserved)];
  return {
    current_usage: quantityToJson(counted),
    reserved: quantityToJson(held),
    limit,
    grace_limit,
    percent: limit === null ? null : percentOf(counted, limit),
    remaining: limit === null ? null : amountOf(remainingOf(limit, addDecimals(counted, held))),
    over_limit: limit !== null && compareDecimals(counted, { digits: BigInt(limit), scale: 0 }) > 0,
  };
}

/** A decimal text of Postgres, which may end in zeros, as the API shows it. */
export function amountOf(text: string): Amount {
  return quantityToJson(decimal(text));
}

function percentOf(used: Decimal, limit: number): number | null {
  if (limit === 0) return null;
  const tenths = (1000n * used.digits) / (BigInt(limit) * 10n ** BigInt(used.scale));
  return Number(tenths) / 10;
}

function decimal(text: string): Decimal {
  return parseDecimal(text, 38);
}
