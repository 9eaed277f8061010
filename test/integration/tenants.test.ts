import { randomUUID } from 'node:crypto';
import { TenantContext } from '../../src/platform/database/tenant-context';
import { TenantsService } from '../../src/modules/tenants/tenants.service';
import type { StripeCustomerId, TenantId } from '../../src/contracts/ids';
import { startTestService, type TestService } from '../support/service';
import type { ApiAnswer, Answered } from '../support/api';

const TENANTS = '/v1/admin/tenants';
const DAY_MS = 24 * 60 * 60 * 1000;

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

function newTenant(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: `Tenant ${randomUUID()}`, email: `${randomUUID()}@example.test`, ...fields };
}

function post(body: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> {
  return service.api('POST', TENANTS, { key: service.adminKey, body, headers });
}

/** Runs code of the service as it runs inside one tenant. */
function within<T>(id: string, work: (tenants: TenantsService) => Promise<T>): Promise<T> {
  return service.get(TenantContext).run(id as TenantId, () => work(service.get(TenantsService)));
}

function eventsOf(id: string): Promise<{ type: string; data: Answered; previous: Answered }[]> {
  return service.rows('select type, data, previous from outbox where tenant_id = $1 order by id', [id]);
}

function auditOf(
  id: string,
): Promise<{ action: string; actor_id: string; before: Answered; after: Answered }[]> {
  return service.rows(
    'select action, actor_id, before, after from audit_logs where tenant_id = $1 order by sequence',
    [id],
  );
}

describe('creating a tenant', () => {
  it('starts its trial, names its owner, and tells it once', async () => {
    const body = newTenant({ locale: 'de-at', metadata: { crm: '42' } });
    const created = await post(body);
    expect(created.status).toBe(201);
    const { id, trial, contacts } = created.body;
    expect(created.body).toMatchObject({
      ...body,
      locale: 'de-AT',
      status: 'PENDING',
      payment_status: 'NONE',
      version: 1,
    });
    expect(trial).toMatchObject({ active: true, days_left: 14, converted_at: null });
    expect(Date.parse(trial.ends_at) - Date.parse(trial.started_at)).toBe(14 * DAY_MS);
    expect(contacts).toEqual([
      { id: expect.any(String), email: body.email, name: null, role: 'owner', locale: 'de-AT' },
    ]);
    expect((await eventsOf(id)).map(({ type }) => type)).toEqual(['tenant.created', 'trial.started']);
    expect(await auditOf(id)).toMatchObject([
      { action: 'TENANT_CREATED', actor_id: 'bootstrap', before: null, after: { id, name: body.name } },
    ]);
  });

  it('keeps further contacts, each address once', async () => {
    const body = newTenant({
      contacts: [
        { email: 'money@example.test', role: 'billing', name: 'Accounts', locale: 'fr' },
        { email: 'MONEY@example.test', role: 'member' },
      ],
    });
    const { contacts } = (await post(body)).body;
    expect(contacts.map((contact: Answered) => [contact.email, contact.role, contact.locale])).toEqual([
      [body.email, 'owner', 'en'],
      ['money@example.test', 'billing', 'fr'],
    ]);
  });

  it('is repeatable by id: the same again is 200, something else 409', async () => {
    const body = newTenant({ id: randomUUID() });
    const first = await post(body);
    const same = await post(body);
    const else_ = await post({ ...body, name: 'Somebody else' });
    expect([first.status, same.status]).toEqual([201, 200]);
    expect(same.body).toEqual(first.body);
    expect(else_.body).toMatchObject({ status: 409, code: 'already_exists' });
    expect(await eventsOf(first.body.id)).toHaveLength(2);
  });

  it('makes one tenant with one trial out of 30 at once', async () => {
    const body = newTenant({ id: randomUUID() });
    const answers = await Promise.all(Array.from({ length: 30 }, () => post(body)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array<number>(29).fill(200), 201]);
    expect(new Set(answers.map((answer) => answer.body.trial.started_at)).size).toBe(1);
    expect((await eventsOf(String(body.id))).map(({ type }) => type)).toEqual([
      'tenant.created',
      'trial.started',
    ]);
    expect(await auditOf(String(body.id))).toHaveLength(1);
  });

  it('replays 201 and 200 as they were for one Idempotency-Key', async () => {
    const body = newTenant({ id: randomUUID() });
    await post(body);
    const headers = { 'idempotency-key': randomUUID() };
    const [first, again] = [await post(body, headers), await post(body, headers)];
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.text).toBe(first.text);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['no name', { name: undefined }, '/name'],
    ['a blank name', { name: ' ' }, '/name'],
    ['a name of 201 characters', { name: 'n'.repeat(201) }, '/name'],
    ['a name that is a number', { name: 7 }, '/name'],
    ['a name that ends a mail header', { name: 'a\r\nBcc: b@example.test' }, '/name'],
    ['an address that is none', { email: 'nobody' }, '/email'],
    ['two addresses', { email: 'a@example.test, b@example.test' }, '/email'],
    ['an id that is no UUID', { id: '42' }, '/id'],
    ['a locale that is none', { locale: 'not_a_locale' }, '/locale'],
    ['metadata that is a list', { metadata: ['a'] }, '/metadata'],
    ['metadata with a number', { metadata: { a: 1 } }, '/metadata'],
    [
      '51 keys of metadata',
      { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, ''])) },
      '/metadata',
    ],
    ['a metadata key of 41 characters', { metadata: { ['k'.repeat(41)]: '' } }, '/metadata'],
    ['metadata of 501 characters', { metadata: { a: 'v'.repeat(501) } }, '/metadata'],
    [
      'a contact of an unknown role',
      { contacts: [{ email: 'a@example.test', role: 'king' }] },
      '/contacts/0/role',
    ],
    [
      '51 contacts',
      { contacts: Array.from({ length: 51 }, (_, n) => ({ email: `${n}@example.test`, role: 'member' })) },
      '/contacts',
    ],
    ['a status of its own choice', { status: 'ACTIVE' }, '/status'],
    ['a trial of its own choice', { trial_ends_at: '2099-01-01T00:00:00Z' }, '/trial_ends_at'],
  ])('refuses %s and creates nothing', async (_what, fields, pointer) => {
    const before = await service.rows('select count(*) from tenants');
    const answer = await post(newTenant(fields));
    expect(answer.body).toMatchObject({ status: 400, code: 'validation_failed' });
    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
    expect(await service.rows('select count(*) from tenants')).toEqual(before);
  });

  it('keeps text that looks like code as it is', async () => {
    const name = `"; DROP TABLE tenants; -- \${jndi:x} {{7*7}} <script>`;
    expect((await post(newTenant({ name }))).body.name).toBe(name);
  });
});

describe('finding tenants', () => {
  async function ids(query: string): Promise<string[]> {
    return (await service.admin('GET', `${TENANTS}?${query}`)).data.map((tenant: Answered) => tenant.id);
  }

  it('searches name and address literally, in any case', async () => {
    const mark = randomUUID().slice(0, 8);
    const one = await service.makeTenant({ name: `100%_${mark}` });
    const two = await service.makeTenant({ name: `100xx${mark}` });
    const three = await service.makeTenant({ email: `who-${mark}@example.test` });
    expect(await ids(`search=${encodeURIComponent(`100%_${mark.toUpperCase()}`)}`)).toEqual([one.id]);
    expect(await ids(`search=${mark}`)).toEqual([three.id, two.id, one.id]);
    expect(await ids(`search=${encodeURIComponent('%')}&limit=100`)).not.toContain(two.id);
  });

  it('filters by status as it is now, payment status and plan', async () => {
    const active = await service.makeTenant();
    const suspended = await service.makeTenant();
    const over = await service.makeTenant();
    await within(active.id, (tenants) => tenants.activate());
    const suspend = `update tenants set status = 'SUSPENDED', confirmed_at = now(), suspended_at = now(),
      status_until = $2 where id = $1`;
    await service.rows(suspend, [suspended.id, new Date(Date.now() + DAY_MS)]);
    await service.rows(suspend, [over.id, new Date(Date.now() - 1000)]);
    await within(over.id, (tenants) => tenants.setPaymentStatus('OVERDUE'));
    const planId = randomUUID();
    await service.rows(
      `insert into tenant_entitlements (tenant_id, source, plan_id, updated_at) values ($1, 'free', $2, now())
       on conflict (tenant_id) do update set plan_id = excluded.plan_id`,
      [active.id, planId],
    );
    expect(await ids('status=ACTIVE')).toEqual([over.id, active.id]);
    expect(await ids('status=SUSPENDED')).toEqual([suspended.id]);
    expect(await ids('payment_status=OVERDUE')).toEqual([over.id]);
    expect(await ids(`plan=${planId}`)).toEqual([active.id]);
    expect(await ids(`plan=${planId}&status=SUSPENDED`)).toEqual([]);
  });

  it('pages through all without gap or repeat while others arrive', async () => {
    const mark = randomUUID().slice(0, 8);
    const made: string[] = [];
    for (let n = 0; n < 7; n += 1) made.unshift((await post(newTenant({ name: `p ${mark}` }))).body.id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Answered = await service.admin(
        'GET',
        `${TENANTS}?search=${mark}&limit=3${cursor ? `&cursor=${cursor}` : ''}`,
      );
      seen.push(...page.data.map((tenant: Answered) => tenant.id));
      cursor = page.next_cursor;
      await post(newTenant({ name: `p ${mark}` }));
    } while (cursor);
    expect(seen).toEqual(made);
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=1e2',
    'status=active',
    'plan=starter',
    `search=${'s'.repeat(101)}`,
    'search=',
    'sort=name',
    'search=a&search=b',
    'search[$ne]=a',
  ])('refuses ?%s', async (query) => {
    const answer = await service.api('GET', `${TENANTS}?${query}`, { key: service.adminKey });
    expect(answer.body).toMatchObject({ status: 400, code: 'validation_failed' });
  });

  it('answers not found with equal bytes for every id that is none', async () => {
    const answers = await Promise.all(
      [randomUUID(), 'x', '00000000-0000-0000-0000-000000000000'].flatMap((id) => [
        service.api('GET', `${TENANTS}/${id}`, { key: service.adminKey }),
        service.api('PATCH', `${TENANTS}/${id}`, { key: service.adminKey, body: {} }),
        service.api('POST', `${TENANTS}/${id}/deletion`, { key: service.adminKey }),
        service.api('DELETE', `${TENANTS}/${id}/deletion`, { key: service.adminKey }),
      ]),
    );
    const bytes = answers.map(({ text, body }) => text.replace(body.request_id, ''));
    expect(answers[0]!.body).toMatchObject({ status: 404, code: 'not_found' });
    expect(new Set(bytes).size).toBe(1);
  });
});

describe('changing a tenant', () => {
  it('changes what is named, with event and audit row, and moves the owner to the new address', async () => {
    const { id } = await service.makeTenant({ metadata: { a: '1' } });
    const email = `${randomUUID()}@example.test`;
    const changed = await service.admin('PATCH', `${TENANTS}/${id}`, { name: 'New name', email });
    expect(changed).toMatchObject({ name: 'New name', email, metadata: { a: '1' }, version: 2 });
    expect(changed.contacts).toMatchObject([{ email, role: 'owner' }]);
    const told = (await eventsOf(id)).at(-1)!;
    expect(told).toMatchObject({ type: 'tenant.updated', data: { name: 'New name', version: 2 } });
    expect(Object.keys(told.previous).sort()).toEqual(['email', 'name', 'updated_at', 'version']);
    expect((await auditOf(id)).at(-1)).toMatchObject({
      action: 'TENANT_UPDATED',
      before: { version: 1 },
      after: { name: 'New name' },
    });
  });

  it('tells nothing when nothing is another', async () => {
    const { id, name } = await service.makeTenant();
    const answer = await service.admin('PATCH', `${TENANTS}/${id}`, { name });
    expect(answer.version).toBe(1);
    expect((await eventsOf(id)).map(({ type }) => type)).not.toContain('tenant.updated');
  });

  it('loses no change of two at once', async () => {
    const { id } = await service.makeTenant();
    await Promise.all([
      service.admin('PATCH', `${TENANTS}/${id}`, { name: 'Both' }),
      service.admin('PATCH', `${TENANTS}/${id}`, { metadata: { both: 'yes' } }),
    ]);
    const after = await service.admin('GET', `${TENANTS}/${id}`);
    expect(after).toMatchObject({ name: 'Both', metadata: { both: 'yes' }, version: 3 });
  });

  it('schedules the deletion for 30 days from now, and calls it off', async () => {
    const { id, key } = await service.makeTenant();
    const scheduled = await service.admin('POST', `${TENANTS}/${id}/deletion`);
    expect(scheduled.status).toBe('DELETION_SCHEDULED');
    expect(Date.parse(scheduled.deletion_due_at) - Date.parse(scheduled.deletion_scheduled_at)).toBe(
      30 * DAY_MS,
    );
    const twice = await service.api('POST', `${TENANTS}/${id}/deletion`, { key: service.adminKey });
    expect(twice.body).toMatchObject({ status: 409, code: 'state_conflict' });
    await service.until(async () => {
      const answer = await service.api('GET', '/v1/billings/events', { key });
      return answer.headers.get('x-tenant-status') === 'DELETION_SCHEDULED';
    });
    const canceled = await service.admin('DELETE', `${TENANTS}/${id}/deletion`);
    expect(canceled).toMatchObject({ status: 'PENDING', deletion_scheduled_at: null, deletion_due_at: null });
    const nothing = await service.api('DELETE', `${TENANTS}/${id}/deletion`, { key: service.adminKey });
    expect(nothing.body).toMatchObject({ status: 409, code: 'state_conflict' });
    expect((await eventsOf(id)).slice(2).map(({ type }) => type)).toEqual([
      'api_key.issued',
      'tenant.deletion_scheduled',
      'tenant.deletion_canceled',
    ]);
  });

  it('keeps a timed suspension beneath a deletion that is called off', async () => {
    const { id } = await service.makeTenant();
    await service.rows(
      `update tenants set status = 'SUSPENDED', suspended_at = now(), status_until = $2 where id = $1`,
      [id, new Date(Date.now() + DAY_MS)],
    );
    await service.admin('POST', `${TENANTS}/${id}/deletion`);
    expect((await service.admin('DELETE', `${TENANTS}/${id}/deletion`)).status).toBe('SUSPENDED');
    await service.rows(`update tenants set status_until = now() - interval '1 second' where id = $1`, [id]);
    expect((await service.admin('GET', `${TENANTS}/${id}`)).status).toBe('PENDING');
  });

  it('is for operators alone', async () => {
    const { id, key } = await service.makeTenant();
    const answers = await Promise.all([
      service.api('GET', TENANTS, { key }),
      service.api('GET', `${TENANTS}/${id}`, { key }),
      service.api('PATCH', `${TENANTS}/${id}`, { key, body: { name: 'Mine' } }),
      service.api('POST', TENANTS, { key, body: newTenant() }),
      service.api('POST', `${TENANTS}/${id}/deletion`, { key }),
      service.api('DELETE', `${TENANTS}/${id}/deletion`, { key }),
    ]);
    for (const { body } of answers) expect(body).toMatchObject({ status: 403, code: 'insufficient_scope' });
  });
});

describe('what other features set on a tenant', () => {
  it('gives it one Stripe customer, whoever comes first', async () => {
    const { id } = await service.makeTenant();
    const customers = Array.from({ length: 10 }, () => `cus_${randomUUID()}` as StripeCustomerId);
    const winners = await Promise.all(
      customers.map((customer) => within(id, (tenants) => tenants.setStripeCustomer(customer))),
    );
    expect(new Set(winners).size).toBe(1);
    const found = await service.get(TenantsService).findByStripeCustomerAcrossTenants(winners[0]!);
    expect(found).toBe(id);
  });

  it('converts a trial once, and activates once', async () => {
    const { id } = await service.makeTenant();
    const first = new Date('2026-11-22T10:00:00Z');
    await within(id, (tenants) => tenants.convertTrial(first));
    await within(id, (tenants) => tenants.convertTrial(new Date('2026-11-23T10:00:00Z')));
    await within(id, (tenants) => tenants.activate());
    await within(id, (tenants) => tenants.activate());
    const after = await service.admin('GET', `${TENANTS}/${id}`);
    expect(after.trial).toMatchObject({ active: false, days_left: 0, converted_at: first.toISOString() });
    expect(after.status).toBe('ACTIVE');
    expect((await eventsOf(id)).filter(({ type }) => type === 'tenant.updated')).toHaveLength(1);
  });

  it('remembers where it stands with its money, and says whether that was new', async () => {
    const { id } = await service.makeTenant();
    const failedAt = new Date('2026-11-21T10:00:00Z');
    const graceUntil = new Date('2026-11-28T10:00:00Z');
    const set = () => within(id, (tenants) => tenants.setPaymentStatus('PAST_DUE', { failedAt, graceUntil }));
    expect([await set(), await set()]).toEqual([true, false]);
    await within(id, (tenants) => tenants.setPaymentStatus('OVERDUE'));
    expect(await service.admin('GET', `${TENANTS}/${id}`)).toMatchObject({
      payment_status: 'OVERDUE',
      payment_failed_at: failedAt.toISOString(),
      grace_until: graceUntil.toISOString(),
    });
  });

  it('shows a tenant nothing but itself', async () => {
    const [mine, other] = [await service.makeTenant(), await service.makeTenant()];
    const seen = await within(mine.id, async (tenants) => ({
      current: (await tenants.current()).id,
      contacts: (await tenants.contactsToNotify(['owner', 'billing', 'member'])).length,
    }));
    expect(seen).toEqual({ current: mine.id, contacts: 1 });
    await expect(service.get(TenantsService).current()).rejects.toThrow(/tenant context/);
    await expect(within(randomUUID(), (tenants) => tenants.current())).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(other.id).not.toBe(mine.id);
  });
});
