import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { parseStrictJson } from '../../platform/http/strict-json';
import { CreateTenantDto } from './tenants.dto';

/** A message that will never be understood, however often it is delivered. */
export class UnreadableMessage extends Error {
  constructor(readonly reason: string) {
    super(reason);
    this.name = 'UnreadableMessage';
  }
}

export type TenantMessage =
  | { type: 'tenant.created'; tenant: CreateTenantDto }
  /** Something else that travels on the same queue. */
  | { type: 'other' };

/**
 * Reads a message of the tenant queue: `{ type, tenant }`, an envelope `{ type, data }` with the tenant in
 * `data` or in `data.tenant`, or either of them as the text of an SNS notification.
 * @throws UnreadableMessage which names fields, never values
 */
export function readTenantMessage(body: string): TenantMessage {
  const message = unwrapped(json(body));
  if (typeof message.type !== 'string') throw new UnreadableMessage('it has no type');
  if (message.type !== 'tenant.created') return { type: 'other' };
  const data = isObject(message.data) ? message.data : null;
  const tenant = message.tenant ?? data?.tenant ?? data;
  if (!isObject(tenant)) throw new UnreadableMessage('it has no tenant');
  const arriving = plainToInstance(CreateTenantDto, tenant);
  // Other systems say more of a tenant than we keep: what is not ours is left out, not refused.
  const mistakes = validateSync(arriving, { whitelist: true, forbidUnknownValues: true });
  if (mistakes.length > 0)
    throw new UnreadableMessage(`wrong: ${mistakes.map(({ property }) => property).join(', ')}`);
  // Without the sender's id a repeat could not be told from a second tenant.
  if (!arriving.id) throw new UnreadableMessage('it has no tenant id');
  return { type: 'tenant.created', tenant: arriving };
}

/** SNS delivers to SQS as a notification around the text, unless raw delivery is on. */
function unwrapped(message: Record<string, unknown>): Record<string, unknown> {
  return message.Type === 'Notification' && typeof message.Message === 'string'
    ? json(message.Message)
    : message;
}

function json(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseStrictJson(Buffer.from(text));
  } catch {
    throw new UnreadableMessage('it is not JSON as we accept it');
  }
  if (!isObject(value)) throw new UnreadableMessage('it is not an object');
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
