import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { setTimeout as pause } from 'node:timers/promises';
import type { EventEnvelope } from '../../src/contracts/events';
import type { TenantId } from '../../src/contracts/ids';
import { Database } from '../../src/platform/database/database';
import { TenantContext } from '../../src/platform/database/tenant-context';
import { Lifecycle } from '../../src/platform/lifecycle';
import { Metrics } from '../../src/platform/metrics';
import { EventPublisher } from '../../src/platform/outbox/event-publisher';
import type { EventReaction } from '../../src/platform/outbox/on-event';
import { Outbox } from '../../src/platform/outbox/outbox';
import { OutboxRelay } from '../../src/platform/outbox/outbox-relay';
import { OutboxRelaySignal } from '../../src/platform/outbox/outbox-relay-signal';
import { OutboxRepository } from '../../src/platform/outbox/outbox.repository';
import { RequestContext } from '../../src/platform/request-context';
import { seeded } from '../support/random';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** Committed facts are told, once to the leaves and at least once to the stream, in order: R-16, I7. */
let service: TestService;
/** As in three replicas: they share nothing but the database. */
let relays: OutboxRelay[];

/** What the stream was told, in the order in which it took it. */
const stream: EventEnvelope[] = [];
/** Whether the stream refuses an event; may throw for a whole batch. */
let refuses: (event: EventEnvelope) => boolean = () => false;
/** The stream took them, but its answer is lost. */
let answerIsLost = false;
/** A reaction of the test's own, beside those of the leaves. */
let react: EventReaction = async () => undefined;

class TestPublisher extends EventPublisher {
  override get isConfigured(): boolean {
    return true;
  }

  override async publish(events: EventEnvelope[]): Promise<Set<string>> {
    const taken = events.filter((event) => !refuses(event));
    await pause(1);
    stream.push(...taken);
    if (answerIsLost) throw new Error('connection reset');
    return new Set(taken.map((event) => event.id));
  }
}

beforeAll(async () => {
  // Without background work of its own: only the relays of the test tell.
  service = await startTestService({ env: { ROLE: 'api' } });
  relays = Array.from({ length: 3 }, makeRelay);
  await service.rows('create table reactions (event_id uuid); grant select, insert on reactions to app');
});

afterAll(() => service.close());

beforeEach(async () => {
  refuses = () => false;
  react = async () => undefined;
  await allTold();
  stream.length = 0;
});

function makeRelay(): OutboxRelay {
  const relay = new OutboxRelay(
    service.get(OutboxRepository),
    new TestPublisher(),
    service.get(Database),
    service.get(TenantContext),
    service.get(RequestContext),
    service.get(OutboxRelaySignal),
    service.get(Lifecycle),
    service.get(Metrics),
    service.get(DiscoveryService),
    service.get(MetadataScanner),
    service.get(Reflector),
  );
  relay.onApplicationBootstrap();
  const { reactions } = relay as unknown as {
    reactions: Map<string, { name: string; react: EventReaction }[]>;
  };
  reactions.set('plan.updated', [{ name: 'of the test', react: (event) => react(event) }]);
  return relay;
}

const drainAll = async (): Promise<void> => {
  await Promise.all(relays.map((relay) => relay.drain()));
};

interface Fact {
  tenant: TestTenant;
  n: number;
  /** Runs inside the transaction, after the fact was recorded. */
  inside?: () => Promise<void>;
}

/** Records a fact the way services do: lock the aggregate, change it, record. */
function tell({ tenant, n, inside }: Fact): Promise<void> {
  return service.get(TenantContext).run(tenant.id as TenantId, () =>
    service.get(Database).inTenant(async (manager) => {
      await manager.query('select 1 from tenants where id = $1 for update', [tenant.id]);
      const [row] = await manager.query<[{ version: number }]>('select version from tenants where id = $1', [
        tenant.id,
      ]);
      await manager.query('update tenants set version = version + 1 where id = $1', [tenant.id]);
      await service.get(Outbox).record({
        type: 'plan.updated',
        aggregateType: 'tenant',
        aggregateId: tenant.id,
        data: { n, version: row.version },
      });
      await inside?.();
    }),
  );
}

/** Everything recorded is told; with retries made due, since nobody waits for backoff here. */
async function allTold(): Promise<void> {
  await service.until(async () => {
    await service.rows(
      'update outbox set next_attempt_at = now() where published_at is null and attempts > 0',
    );
    await drainAll();
    const [row] = await service.rows<{ waiting: number }>(
      `select count(*)::int as waiting from outbox
       where parked_at is null and (published_at is null or dispatched_at is null)`,
    );
    return row!.waiting === 0;
  }, 20_000);
}

const makeTenants = (count: number): Promise<TestTenant[]> =>
  Promise.all(Array.from({ length: count }, () => service.makeTenant()));

/** What the stream took of a tenant, each once, in the order of first arrival. */
function firstSeen(tenant: TestTenant): EventEnvelope[] {
  const seen = new Set<string>();
  return stream.filter((event) => event.tenant_id === tenant.id && !seen.has(event.id) && seen.add(event.id));
}

async function expectWholeStreams(): Promise<void> {
  const gaps = await service.rows(
    `select tenant_id, count(*) as events, max(sequence) as last from outbox group by tenant_id
     having count(*) <> max(sequence) or min(sequence) <> 1 or count(distinct sequence) <> count(*)`,
  );
  expect(gaps).toEqual([]);
  const heads = await service.rows(
    `select 1 from event_streams h where last_sequence <> (select max(sequence) from outbox o where o.tenant_id = h.tenant_id)`,
  );
  expect(heads).toEqual([]);
}

describe('facts', () => {
  it('of eight writers, some of which give up, are told by three relays without gap, repeat or disorder', async () => {
    const random = seeded(3);
    const tenants = await makeTenants(4);
    const committed: string[] = [];
    react = async (event) => {
      if (random() < 0.05) throw new Error('a reaction fails now and then');
      await service
        .get(Database)
        .inTransaction((manager) => manager.query('insert into reactions values ($1)', [event.id]));
    };
    refuses = () => {
      if (random() < 0.05) throw new Error('the stream is away for a moment');
      return random() < 0.1;
    };
    let n = 0;
    const writer = async (): Promise<void> => {
      for (let turn = 0; turn < 30; turn++) {
        const tenant = tenants[Math.floor(random() * tenants.length)]!;
        const own = ++n;
        const chance = random();
        const inside = async (): Promise<void> => {
          if (chance < 0.05) await pause(30);
          if (chance > 0.9) throw new Error('rolled back on purpose');
        };
        await tell({ tenant, n: own, inside }).then(
          () => committed.push(`${tenant.id}:${own}`),
          (error: Error) => expect(error.message).toBe('rolled back on purpose'),
        );
      }
    };
    let writing = true;
    const telling = relays.map(async (relay) => {
      while (writing) {
        await relay.drain();
        await pause(1);
      }
    });
    await Promise.all(Array.from({ length: 8 }, writer));
    writing = false;
    await Promise.all(telling);
    await allTold();

    await expectWholeStreams();
    const told = stream
      .filter((event) => event.type === 'plan.updated')
      .map((event) => `${event.tenant_id}:${event.data.n}`);
    expect(new Set(told)).toEqual(new Set(committed));
    expect(committed.length).toBeLessThan(n);
    for (const tenant of tenants) {
      const events = firstSeen(tenant);
      expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1));
      const versions = events.flatMap((event) =>
        event.type === 'plan.updated' ? [event.data.version as number] : [],
      );
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    }
    const [reacted] = await service.rows<{ rows: number; events: number }>(
      'select count(*)::int as rows, count(distinct event_id)::int as events from reactions',
    );
    expect(reacted).toEqual({ rows: committed.length, events: committed.length });
  });

  it('are not told before their transaction is over, and never when it fails', async () => {
    const [tenant] = await makeTenants(1);
    await allTold();
    const told = (): number => stream.filter((event) => event.type === 'plan.updated').length;
    await tell({
      tenant: tenant!,
      n: 1,
      inside: async () => {
        await drainAll();
        expect(told()).toBe(0);
      },
    });
    const failing = tell({ tenant: tenant!, n: 2, inside: () => Promise.reject(new Error('no')) });
    await expect(failing).rejects.toThrow('no');
    await allTold();
    expect(stream.filter((event) => event.type === 'plan.updated').map((event) => event.data.n)).toEqual([1]);
  });

  it('are refused outside a transaction', async () => {
    const [tenant] = await makeTenants(1);
    const record = (): Promise<void> =>
      service.get(Outbox).record({ type: 'plan.updated', aggregateType: 'x', aggregateId: 'x', data: {} });
    await expect(record()).rejects.toThrow(/outside a transaction/);
    await expect(service.get(TenantContext).run(tenant!.id as TenantId, record)).rejects.toThrow(
      /outside a transaction/,
    );
  });

  it('numbered in another order than they were written are told in the order of their numbers', async () => {
    const [tenant] = await makeTenants(1);
    await allTold();
    stream.length = 0;
    const record = (n: number, inside: () => Promise<void>): Promise<void> =>
      service.get(TenantContext).run(tenant!.id as TenantId, () =>
        service.get(Database).inTenant(async () => {
          await service
            .get(Outbox)
            .record({ type: 'plan.updated', aggregateType: 'x', aggregateId: `${n}`, data: { n } });
          await inside();
        }),
      );
    refuses = () => true;
    // The first to write is the last to commit: it has the lowest id and the highest number.
    await record(0, async () => {
      for (let n = 1; n <= 12; n++)
        await service.get(Database).outsideTransaction(() => record(n, async () => undefined));
      await drainAll();
    });
    await drainAll();
    refuses = () => false;
    await allTold();
    await expectWholeStreams();
    expect(firstSeen(tenant!).map((event) => event.data.n)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0,
    ]);
  });
});

describe('the stream', () => {
  it('that takes a later event but not an earlier one of the same tenant is not offered the later one', async () => {
    const [held, free] = await makeTenants(2);
    await allTold();
    stream.length = 0;
    for (let n = 1; n <= 5; n++) await tell({ tenant: held!, n });
    for (let n = 1; n <= 5; n++) await tell({ tenant: free!, n });
    let refusals = 0;
    refuses = (event) => event.tenant_id === held!.id && event.data.n === 2 && refusals++ < 3;
    await service.until(async () => {
      await drainAll();
      return firstSeen(free!).length === 5;
    });
    expect(firstSeen(held!).map((event) => event.data.n)).toEqual([1]);
    await allTold();
    expect(firstSeen(held!).map((event) => event.data.n)).toEqual([1, 2, 3, 4, 5]);
  });

  it('that refuses one event for good has it parked after 20 tries, and goes on behind it', async () => {
    const [tenant] = await makeTenants(1);
    await allTold();
    stream.length = 0;
    let tries = 0;
    refuses = (event) => event.data.n === 1 && ++tries > 0;
    for (let n = 1; n <= 3; n++) await tell({ tenant: tenant!, n });
    await allTold();
    expect(tries).toBe(20);
    expect(firstSeen(tenant!).map((event) => event.data.n)).toEqual([2, 3]);
    const parked = await service.rows<{ error: string }>(
      'select error from outbox where tenant_id = $1 and parked_at is not null',
      [tenant!.id],
    );
    expect(parked).toEqual([{ error: 'refused by the stream' }]);
  });

  it('whose answer is lost is told again, not never', async () => {
    const [tenant] = await makeTenants(1);
    await allTold();
    stream.length = 0;
    answerIsLost = true;
    await tell({ tenant: tenant!, n: 1 });
    await service.until(async () => {
      await drainAll();
      return stream.length > 0;
    });
    answerIsLost = false;
    await allTold();
    expect(stream.length).toBeGreaterThan(1);
    expect(firstSeen(tenant!).map((event) => event.data.n)).toEqual([1]);
  });
});

it('a fact has the id, time, tenant and sequence that its consumers order by', async () => {
  const [tenant] = await makeTenants(1);
  await allTold();
  const [event] = firstSeen(tenant!);
  expect(event).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    type: 'tenant.created',
    tenant_id: tenant!.id,
    sequence: 1,
    occurred_at: expect.stringMatching(/Z$/),
    api_version: expect.any(String),
    data: expect.objectContaining({ id: tenant!.id }),
    previous: null,
  });
});
