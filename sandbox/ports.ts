/** Ports on 127.0.0.1: which are free, and which each part had last time. */
import { createServer, type Server } from 'node:net';

const HOST = '127.0.0.1';

/** A free port; `preferred` when nobody listens there. */
export async function freePort(preferred = 0): Promise<number> {
  const [port] = await freePorts([preferred]);
  return port as number;
}

/**
 * One free port per wish, all different: every port is held until the last one is found, so that two parts
 * started side by side never get the same. A wish that is taken (or 0) becomes any free port.
 */
export async function freePorts(wishes: number[]): Promise<number[]> {
  const held: Server[] = [];
  try {
    for (const wish of wishes) held.push((await hold(wish)) ?? ((await hold(0)) as Server));
    return held.map(portOf);
  } finally {
    await Promise.all(held.map(release));
  }
}

/**
 * The first free port from `wished` upwards, for an address people type.
 * Throws when the next 100 ports are all taken.
 */
export async function nextFreePort(wished: number): Promise<number> {
  for (let port = wished; port < wished + 100 && port <= 65535; port += 1) {
    const server = await hold(port);
    if (server) {
      const found = portOf(server);
      await release(server);
      return found;
    }
  }
  throw new Error(`No free port from ${wished} to ${wished + 99}.`);
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
