import { addMonths } from './period';

/** A span of calendar time, as ISO 8601 writes it: P1M is as long as the month it is added to. */
export interface Duration {
  readonly months: number;
  readonly ms: number;
}

const ISO_8601 =
  /^P(?=.)(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?$/;

/**
 * Reads an ISO 8601 duration of whole years, months, weeks, days, hours, minutes and seconds: `P14D`, `P1Y2M`,
 * `PT36H`. Null for anything else.
 */
export function parseDuration(text: string): Duration | null {
  const found = ISO_8601.exec(text);
  if (!found) return null;
  const [years, months, weeks, days, hours, minutes, seconds] = found
    .slice(1)
    .map((part) => Number(part ?? 0));
  const dayCount = weeks! * 7 + days!;
  return {
    months: years! * 12 + months!,
    ms: (((dayCount * 24 + hours!) * 60 + minutes!) * 60 + seconds!) * 1000,
  };
}

/** Months first, clamped to the end of a short one, then the rest. */
export function addDuration(date: Date, { months, ms }: Duration): Date {
  return new Date(addMonths(date, months).getTime() + ms);
}
