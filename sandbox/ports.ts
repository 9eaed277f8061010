/** Ports on 127.0.0.1: which are free, and which each part had last time. */
import { createServer, type Server } from 'node:net';

const HOST = '127.0.0.1';
/** How far above a wish we look before taking any free port. */
const REACH = 200;

/** Any free port. */
export async function freePort(): Promise<number> {
  const [port] = await claimPorts([0]);
  return port as number;
}

/**
 * One free port per wish: the wish itself, else the next free one above it; 0 wishes for any.
 * All are different: every port is held until the last one is found, so that parts started side by side never
 * get the same. They are free when this answers.
 */
export async function claimPorts(wishes: number[]): Promise<number[]> {
  const held: Server[] = [];
  try {
    for (const wish of wishes) held.push(await holdFrom(wish));
    return held.map(portOf);
  } finally {
    await Promise.all(held.map(release));
  }
}

async function holdFrom(wish: number): Promise<Server> {
  for (let port = wish; port > 0 && port <= Math.min(wish + REACH, 65535); port += 1) {
    const server = await hold(port);
    if (server) return server;
  }
  const any = await hold(0);
  if (!any) throw new Error(`No free port on ${HOST}.`);
  return any;
}

function hold(port: number): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null);
      else reject(error);
    });
    server.listen({ host: HOST, port, exclusive: true }, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}

function release(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
