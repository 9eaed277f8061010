import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planPorts } from '../../sandbox/port-plan';
import { claimPorts, freePort } from '../../sandbox/ports';

let dir: string;
const occupied: Server[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tb-ports-'));
});

afterEach(async () => {
  await Promise.all(occupied.splice(0).map((server) => new Promise((done) => server.close(done))));
  rmSync(dir, { recursive: true, force: true });
});

async function occupy(port: number): Promise<void> {
  const server = createServer();
  occupied.push(server);
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
}

describe('ports', () => {
  it('gives the wished port, the next one above it when it is taken, and never one twice', async () => {
    const wished = await freePort();
    expect(await claimPorts([wished])).toEqual([wished]);
    await occupy(wished);
    const [first, second] = (await claimPorts([wished, wished])) as [number, number];
    expect(first).toBeGreaterThan(wished);
    expect(second).toBeGreaterThan(first);
  });

  it('remembers the parts between starts and says which one moved', async () => {
    const first = await planPorts(dir, 0);
    expect(first.moves).toEqual([]);
    expect(new Set(Object.values(first.parts)).size).toBe(Object.keys(first.parts).length);
    const again = await planPorts(dir, 0);
    expect(again.parts).toEqual(first.parts);
    await occupy(first.parts.redis);
    const moved = await planPorts(dir, 0);
    expect(moved.parts).toEqual({ ...first.parts, redis: moved.parts.redis });
    expect(moved.moves).toEqual([
      `Port ${first.parts.redis} is taken: redis moved on to ${moved.parts.redis}.`,
    ]);
  });

  it('tells the person who asked for a taken port where the service is instead', async () => {
    const wished = await freePort();
    await occupy(wished);
    const plan = await planPorts(dir, wished);
    expect(plan.service).toBeGreaterThan(wished);
    expect(plan.moves).toEqual([`Port ${wished} is taken: Tenant Billing is on ${plan.service} this time.`]);
  });
});
