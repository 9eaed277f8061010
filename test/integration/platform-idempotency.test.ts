import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { sha256, canonicalJson } from '../../src/platform/crypto';
import { Database } from '../../src/platform/database/database';
import { IdempotencyRepository } from '../../src/platform/http/idempotency.repository';
import type { ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** A POST with an Idempotency-Key has its effect once: R-14, I8, reliability C.3. */
let service: TestService;
let tenant: TestTenant;
let planId: string;

const TENANTS = '/v1/admin/tenants';
const CHECKOUT = '/v1/billings/subscription/checkout';

beforeAll(async () => {
  service = await startTestService({ env: { IDEMPOTENCY_REQUIRED: 'true' } });
  tenant = await service.makeTenant();
  planId = (await service.makePlan()).id;
});

afterAll(() => service.close());

const wish = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: 'Once',
  email: `${randomUUID()}@example.test`,
  ...fields,
});

function send(
  path: string,
  key: string | null,
  body: unknown,
  credential = service.adminKey,
): Promise<ApiAnswer> {
  return service.api('POST', path, {
    key: credential,
    body,
    headers: key === null ? {} : { 'idempotency-key': key },
  });
}

const create = (key: string | null, body: unknown): Promise<ApiAnswer> => send(TENANTS, key, body);

async function tenantsNamed(email: unknown): Promise<number> {
  const [row] = await service.rows<{ count: number }>(
    'select count(*)::int as count from tenants where email = $1',
    [email],
  );
  return row!.count;
}

const record = async (key: string): Promise<Record<string, unknown> | undefined> =>
  (await service.rows<Record<string, unknown>>('select * from idempotency_keys where key = $1', [key]))[0];

describe('the same request again', () => {
  it('gets the same status and bytes, says so, and does nothing', async () => {
    const [key, body] = [randomUUID(), wish()];
    const first = await create(key, body);
    expect(first.status).toBe(201);
    expect(first.headers.has('idempotency-replayed')).toBe(false);
    const again = await create(key, body);
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'));
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    expect(await tenantsNamed(body.email)).toBe(1);
    const audited = await service.rows('select 1 from audit_logs where tenant_id = $1', [first.body.id]);
    const told = await service.rows(`select 1 from outbox where tenant_id = $1 and type = 'tenant.created'`, [
      first.body.id,
    ]);
    expect([audited.length, told.length]).toEqual([1, 1]);
  });

  it('is the same in whatever order its members come', async () => {
    const key = randomUUID();
    const { name, email } = wish() as { name: string; email: string };
    const first = await create(key, { name, email, metadata: { a: '1', b: '2' } });
    const again = await create(key, { metadata: { b: '2', a: '1' }, email, name });
    expect([again.status, again.text]).toEqual([201, first.text]);
  });

  it('without a key is another one', async () => {
    const body = wish();
    await create(null, body);
    await create(null, body);
    expect(await tenantsNamed(body.email)).toBe(2);
  });

  it('never gives away twice what is shown once', async () => {
    const key = randomUUID();
    const body = { name: 'once', kind: 'tenant', tenant_id: tenant.id };
    const first = await send('/v1/api-keys', key, body);
    const again = await send('/v1/api-keys', key, body);
    expect(first.body.secret).toMatch(/^tb_test_/);
    expect([again.status, again.body]).toEqual([201, { ...first.body, secret: null }]);
    const dump = JSON.stringify(
      await service.rows('select convert_from(body, $1) as body from idempotency_keys', ['UTF8']),
    );
    expect(dump).not.toContain(first.body.secret);
  });

  it('with a hundred at once has one effect', async () => {
    const [key, body] = [randomUUID(), wish()];
    const answers = await Promise.all(Array.from({ length: 100 }, () => create(key, body)));
    const made = answers.filter((answer) => answer.status === 201);
    const waiting = answers.filter((answer) => answer.status === 409);
    expect(made.length + waiting.length).toBe(100);
    expect(new Set(made.map((answer) => answer.text)).size).toBe(1);
    expect(made.filter((answer) => !answer.headers.has('idempotency-replayed'))).toHaveLength(1);
    for (const answer of waiting) {
      expect(answer.body.code).toBe('idempotency_in_progress');
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect(await tenantsNamed(body.email)).toBe(1);
    expect((await create(key, body)).text).toBe(made[0]!.text);
  });

  it('with a Stripe call in it makes one thing at Stripe', async () => {
    const key = randomUUID();
    const open = (): Promise<ApiAnswer> => send(CHECKOUT, key, { plan_id: planId }, tenant.key);
    const first = await Promise.all(Array.from({ length: 10 }, open));
    const done = first.find((answer) => answer.status === 201)!;
    expect(first.every((answer) => answer.status === 201 || answer.status === 409)).toBe(true);
    const again = await open();
    expect([again.status, again.text]).toEqual([201, done.text]);
    expect(
      await service.rows('select 1 from checkout_sessions where tenant_id = $1', [tenant.id]),
    ).toHaveLength(1);
  });
});

describe('a key', () => {
  it('with another body is refused', async () => {
    const [key, body] = [randomUUID(), wish()];
    await create(key, body);
    const other = await create(key, { ...body, name: 'Other' });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(await tenantsNamed(body.email)).toBe(1);
    expect((await create(key, body)).status).toBe(201);
  });

  it('counts per route with its ids, per credential and per tenant', async () => {
    const key = randomUUID();
    const [one, two] = await Promise.all([service.makeTenant(), service.makeTenant()]);
    const deletion = (id: string): Promise<ApiAnswer> => send(`${TENANTS}/${id}/deletion`, key, undefined);
    expect((await deletion(one.id)).body.id).toBe(one.id);
    expect((await deletion(two.id)).body.id).toBe(two.id);
    expect((await create(key, wish())).status).toBe(201);
    const admin = await service.admin('POST', '/v1/api-keys', { name: 'second operator', kind: 'admin' });
    const other = await send(`${TENANTS}/${one.id}/deletion`, key, undefined, admin.secret);
    expect([other.status, other.body.code, other.headers.has('idempotency-replayed')]).toEqual([
      409,
      'state_conflict',
      false,
    ]);
    for (const buyer of [await service.makeTenant(), await service.makeTenant()]) {
      const opened = await send(CHECKOUT, key, { plan_id: planId }, buyer.key);
      expect([opened.status, opened.headers.has('idempotency-replayed')]).toEqual([201, false]);
    }
  });

  it.each(['', 'a b', 'é', 'x'.repeat(256), '\ta'])('%j is invalid', async (key) => {
    const body = wish();
    const response = await fetch(`${service.url}${TENANTS}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${service.adminKey}`,
        'content-type': 'application/json',
        'idempotency-key': Buffer.from(key).toString('latin1'),
      },
      body: JSON.stringify(body),
    });
    // fetch trims white space around a value, as HTTP says.
    if (key === '\ta') return expect(response.status).toBe(201);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      400,
      'idempotency_key_invalid',
    ]);
    expect(await tenantsNamed(body.email)).toBe(0);
  });

  it.each(
    ['x'.repeat(255), '!', '"quoted"', "'; drop table idempotency_keys; --", '%00', '../..'].map((key) => [
      key.replaceAll(' ', '_'),
    ]),
  )('%s is a fine one', async (key) => {
    const body = wish();
    const first = await create(key, body);
    expect(first.status).toBe(201);
    expect((await create(key, body)).text).toBe(first.text);
  });

  it('is required where money moves, when the operator says so', async () => {
    const answer = await send(CHECKOUT, null, { plan_id: planId }, tenant.key);
    expect([answer.status, answer.body.code]).toEqual([400, 'idempotency_key_required']);
  });
});

describe('a refusal', () => {
  it('that is final is replayed, with its bytes', async () => {
    const { id } = await service.makeTenant();
    const key = randomUUID();
    await send(`${TENANTS}/${id}/deletion`, null, undefined);
    const conflict = await send(`${TENANTS}/${id}/deletion`, key, undefined);
    expect([conflict.status, conflict.body.code]).toEqual([409, 'state_conflict']);
    await service.api('DELETE', `${TENANTS}/${id}/deletion`, { key: service.adminKey });
    const again = await send(`${TENANTS}/${id}/deletion`, key, undefined);
    expect([again.status, again.text]).toEqual([409, conflict.text]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('content-type')).toMatch(/^application\/problem\+json/);

    const nobody = `${TENANTS}/${randomUUID()}/deletion`;
    const missing = await send(nobody, key, undefined);
    expect([missing.status, (await send(nobody, key, undefined)).text]).toEqual([404, missing.text]);
  });

  it('that the client can mend is not stored: the mended request may use the same key', async () => {
    const [key, body] = [randomUUID(), wish()];
    const refused = await create(key, { ...body, name: 7 });
    expect(refused.status).toBe(400);
    const mended = await create(key, body);
    expect([mended.status, mended.headers.has('idempotency-replayed')]).toEqual([201, false]);
    expect((await create(key, body)).text).toBe(mended.text);
    expect((await create(key, { ...body, name: 'Other' })).body.code).toBe('idempotency_key_reused');
  });

  it('that was ours is not stored: the same request may be sent again, another one not', async () => {
    const buyer = await service.makeTenant();
    const key = randomUUID();
    service.stripe.setFaults({ outage: true });
    const away = await send(CHECKOUT, key, { plan_id: planId }, buyer.key);
    service.stripe.setFaults({});
    expect([away.status, away.body.code]).toEqual([503, 'stripe_unavailable']);
    const before = await record(key);
    expect((await send(CHECKOUT, key, { plan_id: randomUUID() }, buyer.key)).body.code).toBe(
      'idempotency_key_reused',
    );
    expect((await send(CHECKOUT, key, { plan_id: planId }, buyer.key)).status).toBe(201);
    // The same operation, so that Stripe knows the second call for the first.
    expect((await record(key))!.operation_id).toBe(before!.operation_id);
  });

  it('before the credential, the scope or the media type was good has taken no key', async () => {
    const key = randomUUID();
    await send(TENANTS, key, wish(), 'nobody');
    await send(TENANTS, key, wish(), tenant.key);
    await service.api('POST', TENANTS, {
      key: service.adminKey,
      body: wish(),
      headers: { 'idempotency-key': key, 'content-type': 'text/xml' },
    });
    expect(await record(key)).toBeUndefined();
  });
});

describe('when the first holder', () => {
  const principal = 'admin:bootstrap';
  const nil = '00000000-0000-0000-0000-000000000000';

  /** The row as a process left it that took the key and died. */
  async function abandon(key: string, body: unknown, secondsLeft: number): Promise<void> {
    const [own] = await service.rows<{ principal: string; tenant_id: string }>(
      `select principal, tenant_id from idempotency_keys where route = $1 limit 1`,
      [`POST ${TENANTS}`],
    );
    await service.rows(
      `insert into idempotency_keys (tenant_id, principal, route, key, fingerprint, locked_until)
       values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6))`,
      [
        own?.tenant_id ?? nil,
        own?.principal ?? principal,
        `POST ${TENANTS}`,
        key,
        sha256(canonicalJson(body)),
        secondsLeft,
      ],
    );
  }

  it('still has its lease, the others wait', async () => {
    const [key, body] = [randomUUID(), wish()];
    await abandon(key, body, 20);
    const answer = await create(key, body);
    expect([answer.status, answer.body.code]).toEqual([409, 'idempotency_in_progress']);
    expect(await tenantsNamed(body.email)).toBe(0);
  });

  it('died, one other takes over', async () => {
    const [key, body] = [randomUUID(), wish()];
    await abandon(key, body, -1);
    expect((await create(key, { ...body, name: 'Other' })).body.code).toBe('idempotency_key_reused');
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(key, body)));
    expect(new Set(answers.filter((answer) => answer.status === 201).map((answer) => answer.text)).size).toBe(
      1,
    );
    expect(await tenantsNamed(body.email)).toBe(1);
    expect(await record(key)).toMatchObject({ state: 'done', attempt: 2 });
  });

  it('was only slow, its effect is rolled back with its answer', async () => {
    const [key, body] = [randomUUID(), wish()];
    const blocker = new Client({ connectionString: service.database.superuserUrl });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('lock table tenants in share row exclusive mode');
    const slow = create(key, body);
    await service.until(
      async () => (await service.rows(`select 1 from pg_locks where not granted`)).length > 0,
    );
    // Meanwhile its lease ended and another attempt began.
    await blocker.query(
      `update idempotency_keys set attempt = 2, locked_until = clock_timestamp() - interval '1 second' where key = $1`,
      [key],
    );
    await blocker.query('commit');
    await blocker.end();
    expect((await slow).body.code).toBe('idempotency_in_progress');
    expect(await tenantsNamed(body.email)).toBe(0);
    expect((await create(key, body)).status).toBe(201);
    expect(await tenantsNamed(body.email)).toBe(1);
    expect(await record(key)).toMatchObject({ state: 'done', attempt: 3 });
  });

  it('was only slow, it stores nothing after another took over', async () => {
    const records = service.get(IdempotencyRepository);
    const database = service.get(Database);
    const scope = { tenantId: nil, principal: 'admin:slow', route: 'POST /x', key: randomUUID() };
    const print = sha256('{}');
    const answer = { status: 201, body: Buffer.from('{}'), contentType: 'application/json' };
    expect(await records.claimAcrossTenants(scope, print, 1)).toMatchObject({ outcome: 'run', attempt: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await records.claimAcrossTenants(scope, print, 30_000);
    expect(second).toMatchObject({ outcome: 'run', attempt: 2 });
    // The slow one wakes: its answer touches no row, neither stored nor released.
    expect(await records.finishAcrossTenants(scope, 1, answer)).toBe(false);
    await records.releaseAcrossTenants(scope, 1, { sameRequestOnly: false });
    expect(await records.claimAcrossTenants(scope, print, 1)).toEqual({ outcome: 'in_progress' });
    expect(await database.acrossTenants(() => records.finish(scope, 2, answer))).toBe(true);
    expect(await records.finishAcrossTenants(scope, 2, { ...answer, status: 500 })).toBe(false);
    expect(await records.claimAcrossTenants(scope, print, 1)).toMatchObject({ outcome: 'replay', answer });
  });

  it('was slow over a mended request, it answers for nobody else either', async () => {
    const records = service.get(IdempotencyRepository);
    const scope = { tenantId: nil, principal: 'admin:slow', route: 'POST /y', key: randomUUID() };
    const answer = { status: 201, body: Buffer.from('{}'), contentType: 'application/json' };
    await records.claimAcrossTenants(scope, sha256('first'), 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await records.claimAcrossTenants(scope, sha256('first'), 30_000);
    await records.releaseAcrossTenants(scope, 2, { sameRequestOnly: false });
    const mended = await records.claimAcrossTenants(scope, sha256('mended'), 30_000);
    expect(mended).toMatchObject({ outcome: 'run', attempt: 3 });
    expect(await records.finishAcrossTenants(scope, 1, answer)).toBe(false);
    expect(await records.finishAcrossTenants(scope, 2, answer)).toBe(false);
    expect(await records.claimAcrossTenants(scope, sha256('first'), 1)).toEqual({ outcome: 'reused' });
  });
});
