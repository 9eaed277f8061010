import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsString, Length, Matches, ValidateBy } from 'class-validator';

/** Stripe's own bounds for metadata, so that ours can always be handed on. */
const MOST_METADATA_KEYS = 50;
const LONGEST_METADATA_KEY = 40;
const LONGEST_METADATA_VALUE = 500;

/** A line of text that people read: something visible, nothing that controls a terminal or a mail header. */
export const IsDisplayName = (longest: number): PropertyDecorator =>
  applyDecorators(
    IsString(),
    Length(1, longest),
    Matches(/^[^\p{Cc}]*\S[^\p{Cc}]*$/u, {
      message: '$property needs a visible character and must have no control characters',
    }),
  );

/** A BCP 47 language tag that this platform can format numbers and dates for; kept in its canonical spelling. */
export const IsLanguageTag = (): PropertyDecorator =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => canonicalLocale(value) ?? value),
    ValidateBy(
      { name: 'isLanguageTag', validator: { validate: (value) => canonicalLocale(value) !== null } },
      { message: '$property must be a BCP 47 language tag such as en or de-AT' },
    ),
  );

/** At most 50 texts by key, as Stripe takes them. */
export const IsMetadata = (): PropertyDecorator =>
  ValidateBy(
    { name: 'isMetadata', validator: { validate: isMetadata } },
    {
      message:
        `$property must be an object of at most ${MOST_METADATA_KEYS} texts, ` +
        `keys up to ${LONGEST_METADATA_KEY} and values up to ${LONGEST_METADATA_VALUE} characters`,
    },
  );

/** Turns a text into lower case before it is checked, and every text of a list. */
export const LowerCase = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) =>
    Array.isArray(value) ? value.map(lowerCase) : lowerCase(value),
  );

function lowerCase(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

function canonicalLocale(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 35) return null;
  try {
    return Intl.getCanonicalLocales(value)[0] ?? null;
  } catch {
    return null;
  }
}

function isMetadata(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length <= MOST_METADATA_KEYS &&
    entries.every(
      ([key, text]) =>
        key.length >= 1 &&
        key.length <= LONGEST_METADATA_KEY &&
        typeof text === 'string' &&
        text.length <= LONGEST_METADATA_VALUE,
    )
  );
}
