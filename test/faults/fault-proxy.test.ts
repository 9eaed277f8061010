import { createServer, type AddressInfo, type Server } from 'node:net';
import { FaultClient } from './fault-client';
import { FaultProxy } from './fault-proxy';

/** The proxy does what it is told, and the client sees it for what it is. */
let server: Server;
let proxy: FaultProxy;
let client: FaultClient;
/** Requests that the server has seen. */
let seen = 0;

const BODY = JSON.stringify({ answer: 'x'.repeat(500) });
const CALL = { method: 'POST', path: '/', key: 'k', body: { question: 1 } };

beforeEach(async () => {
  seen = 0;
  // Plain TCP that speaks just enough HTTP: what arrives, arrives in one piece.
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      seen++;
      const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n`;
      socket.write(head + BODY);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await FaultProxy.start((server.address() as AddressInfo).port, 7);
  client = new FaultClient([proxy.port], { timeoutMs: 300 });
});
afterEach(async () => {
  client.close();
  await proxy.close();
  await new Promise((resolve) => server.close(resolve));
});

const attempt = async (): Promise<string> => (await client.attempt(CALL, 0)).attempt.outcome;

it('lets everything through when nothing is wrong', async () => {
  const { answer } = await client.attempt(CALL, 0);
  expect(answer).toMatchObject({ status: 200, text: BODY });
  expect(proxy.counts).toMatchObject({ refused: 0, dropped: 0, cut: 0, halved: 0, swallowed: 0 });
});

it('makes everything wait', async () => {
  proxy.set({ delayMs: 60 });
  const begun = performance.now();
  expect(await attempt()).toBe('answered');
  expect(performance.now() - begun).toBeGreaterThanOrEqual(120);
});

it('hangs up on new connections', async () => {
  proxy.set({ refuse: 1 });
  expect(await attempt()).not.toBe('answered');
  expect([seen, proxy.counts.refused]).toEqual([0, 1]);
});

it('loses the request on its way', async () => {
  proxy.set({ dropRequest: 1 });
  expect(await attempt()).toBe('ambiguous');
  expect([seen, proxy.counts.dropped]).toEqual([0, 1]);
});

it('loses the answer: the server has acted, and nobody knows', async () => {
  proxy.set({ cutAnswer: 1 });
  expect(await attempt()).toBe('ambiguous');
  expect([seen, proxy.counts.cut]).toEqual([1, 1]);
});

it('gives half an answer, which is none', async () => {
  proxy.set({ halfAnswer: 1 });
  expect(await attempt()).toBe('ambiguous');
  expect([seen, proxy.counts.halved]).toEqual([1, 1]);
});

it('swallows everything, until it is healed', async () => {
  expect(await attempt()).toBe('answered');
  proxy.set({ blackHole: true });
  expect(await attempt()).toBe('ambiguous');
  proxy.heal();
  expect(await attempt()).toBe('answered');
  expect(seen).toBe(2);
});

it('resets all connections at once', async () => {
  proxy.set({ delayMs: 100 });
  const waiting = attempt();
  const end = performance.now() + 2000;
  while (proxy.counts.connections === 0 && performance.now() < end) await new Promise(setImmediate);
  proxy.resetAll();
  expect(await waiting).toBe('ambiguous');
});

it('does it as often as it is told, and the same again with the same seed', async () => {
  const outcomes = async (seed: number): Promise<string[]> => {
    const seeded = await FaultProxy.start((server.address() as AddressInfo).port, seed);
    const through = new FaultClient([seeded.port], { timeoutMs: 300 });
    seeded.set({ cutAnswer: 0.5 });
    const found: string[] = [];
    for (let at = 0; at < 40; at++) found.push((await through.attempt(CALL, 0)).attempt.outcome);
    through.close();
    await seeded.close();
    return found;
  };
  const first = await outcomes(3);
  expect(first.filter((outcome) => outcome === 'ambiguous').length).toBeGreaterThan(10);
  expect(first.filter((outcome) => outcome === 'answered').length).toBeGreaterThan(10);
  expect(await outcomes(3)).toEqual(first);
});

it('the client asks until it knows', async () => {
  proxy.set({ cutAnswer: 0.7 });
  const { status, attempts } = await client.settle(CALL);
  expect(status).toBe(200);
  expect(attempts.at(-1)!.outcome).toBe('answered');
  expect(client.counts.ambiguous).toBe(attempts.length - 1);
});
