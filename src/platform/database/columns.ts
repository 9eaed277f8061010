import { ValueTransformer } from 'typeorm';

/**
 * bigint columns arrive as strings; minor units and counts are whole numbers within 2^53-1.
 * @throws RangeError for a stored number that a JSON number cannot carry exactly
 */
export const wholeNumber: ValueTransformer = {
  to: (value: unknown) => value,
  from: (value: string | number | null): number | null => {
    if (value === null) return null;
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new RangeError('a stored whole number is beyond 2^53-1');
    return number;
  },
};
