import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { isObject, readQueueMessage, UnreadableMessage } from '../../platform/queue-message';
import { CreateTenantDto } from './tenants.dto';

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
  const message = readQueueMessage(body);
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
