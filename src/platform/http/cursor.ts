import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/env';
import { equalDigests, hmacSha256 } from '../crypto';
import { TenantContext } from '../database/tenant-context';

/** Where a page ended: the sort values of its last row. */
export type CursorPosition = readonly (string | number)[];

/**
 * Signed cursors, bound to the list and to the tenant they were made for: a cursor of another tenant or
 * list, or a changed one, is refused (security S-08).
 */
@Injectable()
export class Cursors {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly tenantContext: TenantContext,
  ) {}

  /** @param list name of the list with its filters, for instance `tenants?status=ACTIVE` */
  encode(list: string, position: CursorPosition): string {
    const payload = Buffer.from(JSON.stringify(position)).toString('base64url');
    return `${payload}.${this.sign(list, payload)}`;
  }

  /** @throws BillingError invalid_cursor */
  decode(list: string, cursor: string): CursorPosition {
    const [payload, signature, ...rest] = cursor.split('.');
    if (!payload || !signature || rest.length > 0) throw new BillingError('invalid_cursor');
    if (!equalDigests(Buffer.from(this.sign(list, payload)), Buffer.from(signature)))
      throw new BillingError('invalid_cursor');
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as CursorPosition;
  }

  private sign(list: string, payload: string): string {
    const bound = `${this.tenantContext.tenantIdOrNull ?? 'operator'}\n${list}\n${payload}`;
    return hmacSha256(this.config.appSecret, bound).toString('base64url').slice(0, 22);
  }
}
