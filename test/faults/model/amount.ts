/** Quantities of the model: whole billionths, so that they are exact whatever the service does. */
export type Nano = bigint;

const UNIT = 1_000_000_000n;

/** @param value a whole number, or a decimal text with at most nine decimals */
export function nano(value: number | string): Nano {
  const [whole = '0', fraction = ''] = String(value).split('.');
  const sign = whole.startsWith('-') ? -1n : 1n;
  return sign * (BigInt(whole.replace('-', '')) * UNIT + BigInt(fraction.padEnd(9, '0')));
}

/** As the API shows it: an integer when that is safe, else the shortest decimal text. */
export function amountToJson(value: Nano): number | string {
  const magnitude = value < 0n ? -value : value;
  const whole = magnitude / UNIT;
  const fraction = (magnitude % UNIT).toString().padStart(9, '0').replace(/0+$/, '');
  const text = `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
  return fraction === '' && Number.isSafeInteger(Number(text)) ? Number(text) : text;
}
