import { ModulesContainer } from '@nestjs/core';
import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { TenantId } from '../../src/contracts/ids';
import { Database } from '../../src/platform/database/database';
import { MissingTenantContext, TenantContext } from '../../src/platform/database/tenant-context';
import { TenantRepository } from '../../src/platform/database/tenant-repository';
import { RequestContext } from '../../src/platform/request-context';
import { seeded } from '../support/random';
import { head, sendRaw } from '../support/raw-http';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** The tenant is always the right one or none: R-23, security S-03. */
let service: TestService;
let context: TenantContext;

beforeAll(async () => {
  service = await startTestService();
  context = service.get(TenantContext);
});

afterAll(() => service.close());

const asTenantId = (n: number): TenantId =>
  `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as TenantId;

function repositories(): TenantRepository<never>[] {
  const providers = [...service.app.get(ModulesContainer).values()].flatMap((module) => [
    ...module.providers.values(),
  ]);
  const instances = providers.map((provider) => provider.instance as unknown);
  return [...new Set(instances)].filter(
    (one): one is TenantRepository<never> => one instanceof TenantRepository,
  );
}

async function outcomeOf(call: () => unknown): Promise<string> {
  try {
    const answer = call();
    if (!(answer instanceof Promise)) return 'calculated';
    await answer;
    return 'nothing';
  } catch (error) {
    return (error as Error).name;
  }
}

describe('code without a tenant', () => {
  it('throws in every repository of tenant rows, whatever it is asked (S-03)', async () => {
    const tried: string[] = [];
    for (const repository of repositories()) {
      const methods = new Map<string, (...values: unknown[]) => Promise<unknown>>();
      for (
        let level = Object.getPrototypeOf(repository) as object;
        level !== Object.prototype;
        level = Object.getPrototypeOf(level) as object
      )
        for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level)))
          if (typeof value === 'function' && !methods.has(name)) methods.set(name, value as never);
      for (const [name, method] of methods) {
        if (/^constructor$|acrossTenants$/i.test(name)) continue;
        const title = `${repository.constructor.name}.${name}`;
        // `$1` satisfies the one check that SQL for a tenant has before it asks for the tenant.
        const thrown = await outcomeOf(() =>
          method.call(repository, name === 'sql' ? 'select $1' : [], [], 1),
        );
        // What answers at once asked nobody: a small calculation of the repository's own.
        if (thrown === 'calculated') continue;
        expect({ title, thrown }).toEqual({ title, thrown: 'MissingTenantContext' });
        tried.push(title);
      }
    }
    expect(tried.length).toBeGreaterThan(50);
  });

  it('throws in a job and in a request that belongs to nobody', async () => {
    const database = service.get(Database);
    await service.get(RequestContext).run({ requestId: 'test' }, async () => {
      expect(context.tenantIdOrNull).toBeNull();
      await expect(database.inTenant(async () => 1)).rejects.toBeInstanceOf(MissingTenantContext);
    });
  });
});

describe('a tenant repository', () => {
  it('takes the tenant from nowhere but the context', async () => {
    for (const repository of repositories()) {
      const hidden = repository as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;
      await context.run(asTenantId(1), async () => {
        for (const attempt of [
          () => hidden.find!({ tenantId: asTenantId(2) }),
          () => hidden.findOne!([{}, { tenantId: asTenantId(2) }]),
          () => hidden.update!({}, { tenantId: asTenantId(2) }),
          () => hidden.remove!({ tenantId: asTenantId(2) }),
          () => hidden.add!({ tenantId: asTenantId(2) }),
          () => hidden.addOnce!({ tenantId: asTenantId(2) }),
          () => hidden.sql!('select 1'),
        ])
          await expect((async () => attempt())()).rejects.toThrow(/tenant/i);
      });
    }
  });
});

describe('fifty tenants at once', () => {
  it('are never mixed over awaits, timers, events, throws, nested contexts and jobs', async () => {
    const random = seeded(11);
    const mixes: string[] = [];
    const check = (expected: TenantId, where: string): void => {
      if (context.tenantId !== expected) mixes.push(`${where}: ${context.tenantId} instead of ${expected}`);
    };
    const steps: ((own: TenantId, foreign: TenantId) => Promise<void>)[] = [
      async () => pause(random() * 3),
      async () => new Promise((resolve) => setImmediate(resolve)),
      async () => new Promise((resolve) => process.nextTick(resolve)),
      async (own) =>
        new Promise((resolve) => {
          const emitter = new EventEmitter();
          emitter.on('done', () => {
            check(own, 'event');
            resolve();
          });
          setTimeout(() => emitter.emit('done'), random() * 3);
        }),
      async () => {
        await Promise.reject(new Error('on purpose')).catch(() => undefined);
      },
      async (own, foreign) => {
        await context.run(foreign, async () => {
          await pause(random() * 2);
          check(foreign, 'nested');
        });
        check(own, 'after nested');
      },
      async (own, foreign) => {
        await context
          .run(foreign, async () => {
            await pause(random() * 2);
            throw new Error('on purpose');
          })
          .catch(() => undefined);
        check(own, 'after a throw');
      },
      async (own) => {
        const rows = await service
          .get(Database)
          .inTenant((manager) =>
            manager.query<{ id: string }[]>(`select current_setting('app.tenant_id') as id`),
          );
        if (rows[0]!.id !== own) mixes.push(`database: ${rows[0]!.id}`);
      },
      async (own) => {
        const values: TenantId[] = [];
        for await (const value of generate(own)) values.push(value);
        if (values.some((value) => value !== own)) mixes.push('generator');
      },
      async () => {
        await service.get(RequestContext).run({ requestId: 'job' }, async () => {
          await pause(1);
          if (context.tenantIdOrNull !== null) mixes.push('a fresh context began with a tenant');
        });
      },
    ];
    async function* generate(own: TenantId): AsyncGenerator<TenantId> {
      for (let turn = 0; turn < 3; turn++) {
        await pause(random());
        check(own, 'inside a generator');
        yield context.tenantId;
      }
    }
    const tenant = async (number: number): Promise<void> => {
      const own = asTenantId(number);
      await context.run(own, async () => {
        for (let turn = 0; turn < 40; turn++) {
          const step = steps[Math.floor(random() * steps.length)]!;
          await step(own, asTenantId(Math.floor(random() * 50)));
          check(own, `after step ${steps.indexOf(step)}`);
        }
      });
    };
    await Promise.all(Array.from({ length: 50 }, (_, number) => tenant(number)));
    expect(mixes).toEqual([]);
    expect(context.tenantIdOrNull).toBeNull();
  });
});

describe('over HTTP', () => {
  it('each of 150 requests at once acts for its own tenant, also when its body comes in pieces', async () => {
    const free = await service.makePlan({ amount: 0, slug: 'free' });
    const tenants: TestTenant[] = [];
    for (let batch = 0; batch < 3; batch++)
      tenants.push(...(await Promise.all(Array.from({ length: 10 }, () => service.makeTenant()))));
    const body = JSON.stringify({ plan_id: free.id });
    const start = (tenant: TestTenant): string =>
      head(
        'POST',
        '/v1/billings/subscription/checkout',
        `authorization: Bearer ${tenant.key}`,
        'content-type: application/json',
        `content-length: ${body.length}`,
      );
    const keyIds = new Map<string, string>();
    const ask = async (tenant: TestTenant): Promise<void> => {
      const { body: me } = await service.api('GET', '/v1/api-keys/me', { key: tenant.key });
      expect(me.tenant_id).toBe(tenant.id);
      keyIds.set(tenant.id, me.id);
    };
    const buy = async (tenant: TestTenant): Promise<void> => {
      // In pieces, so that the bodies of all arrive interleaved, each in the async context of its socket.
      const answer = await sendRaw(
        service.url,
        [start(tenant), body.slice(0, 5), body.slice(5, 20), body.slice(20)],
        { pauseMs: 3, timeoutMs: 15_000 },
      );
      expect(answer).toMatchObject({ status: 201 });
    };
    const refused = async (tenant: TestTenant): Promise<void> => {
      const answer = await service.api('POST', '/v1/billings/subscription/checkout', {
        key: tenant.key,
        body: [],
      });
      expect(answer.body.code).toBe('validation_failed');
    };
    await Promise.all(
      tenants.flatMap((tenant) => [ask(tenant), refused(tenant), buy(tenant), ask(tenant), refused(tenant)]),
    );

    const rows = await service.rows<{ tenant_id: string; actor_id: string; action: string }>(
      `select tenant_id, actor_id, action from audit_logs where actor_kind = 'tenant'`,
    );
    expect(new Set(rows.map((row) => row.tenant_id))).toEqual(new Set(tenants.map((tenant) => tenant.id)));
    const foreign = rows.filter((row) => row.actor_id !== keyIds.get(row.tenant_id));
    expect(foreign).toEqual([]);
    const live = await service.rows<{ tenant_id: string; rows: number }>(
      `select tenant_id, count(*)::int as rows from billings where is_live and status = 'FREE' group by 1`,
    );
    expect(live.filter((row) => row.rows === 1)).toHaveLength(tenants.length);
  });
});
