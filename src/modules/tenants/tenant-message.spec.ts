import { UnreadableMessage } from '../../platform/queue-message';
import { readTenantMessage } from './tenant-message';

const TENANT = { id: '0A1B2C3D-0000-4000-8000-000000000001', name: 'Acme', email: 'a@example.test' };

function read(message: unknown): ReturnType<typeof readTenantMessage> {
  return readTenantMessage(JSON.stringify(message));
}

describe('reading a message of the tenant queue', () => {
  it('keeps what is ours and leaves out the rest', () => {
    const message = read({ type: 'tenant.created', tenant: { ...TENANT, status: 'ACTIVE', hue: 7 }, v: 2 });
    expect(message).toEqual({ type: 'tenant.created', tenant: { ...TENANT, id: TENANT.id.toLowerCase() } });
  });

  it('says which field is wrong, and never its value', () => {
    const attempt = () => read({ type: 'tenant.created', tenant: { ...TENANT, email: 'secret-value' } });
    expect(attempt).toThrow(UnreadableMessage);
    expect(attempt).toThrow('wrong: email');
  });

  it.each<[string, unknown]>([
    ['no type', { tenant: TENANT }],
    ['a type that is a list', { type: ['tenant.created'], tenant: TENANT }],
    ['no tenant', { type: 'tenant.created' }],
    ['a list of tenants', { type: 'tenant.created', tenant: [TENANT] }],
    ['no id', { type: 'tenant.created', tenant: { ...TENANT, id: undefined } }],
    ['an empty id', { type: 'tenant.created', tenant: { ...TENANT, id: null } }],
    ['a notification around no JSON', { Type: 'Notification', Message: 'tenant.created' }],
  ])('refuses one with %s', (_what, message) => {
    expect(() => read(message)).toThrow(UnreadableMessage);
  });

  it('passes over what is not for us', () => {
    expect(read({ type: 'tenant.deleted', tenant: TENANT })).toEqual({ type: 'other' });
  });
});
