/** Requests as bytes, built once; only what differs from one to the next is written into them again. */

/** A tenant's id where {@link RequestBytes.setTenant} will write the real one. */
export const TENANT = '########-####-####-####-############';
/** Nine digits that {@link RequestBytes.setNumber} makes unique. */
export const NUMBER = '$$$$$$$$$';

const DIGITS = NUMBER.length;

export interface RequestParts {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly key?: string;
  /** Sent as JSON when given. */
  readonly body?: string;
}

/** One connection's request. */
export class RequestBytes {
  readonly bytes: Buffer;
  private readonly tenantPlaces: number[];
  private readonly numberPlaces: number[];
  private readonly digits = Buffer.alloc(DIGITS, '0');

  constructor({ method, path, key, body }: RequestParts) {
    const head = [
      `${method} ${path} HTTP/1.1`,
      'host: 127.0.0.1',
      ...(key ? [`authorization: Bearer ${key}`] : []),
      `tenant-id: ${TENANT}`,
      ...(body === undefined
        ? []
        : ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`]),
    ];
    this.bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`);
    this.tenantPlaces = placesOf(this.bytes, TENANT);
    this.numberPlaces = placesOf(this.bytes, NUMBER);
  }

  setTenant(id: Buffer): void {
    for (const place of this.tenantPlaces) id.copy(this.bytes, place);
  }

  /** @param number below a thousand million */
  setNumber(number: number): void {
    let rest = number;
    for (let at = DIGITS - 1; at >= 0; at -= 1) {
      this.digits[at] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    for (const place of this.numberPlaces) this.digits.copy(this.bytes, place);
  }
}

function placesOf(bytes: Buffer, mark: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + mark.length)) places.push(at);
  return places;
}
