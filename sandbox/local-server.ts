/** HTTP servers of the sandbox: on 127.0.0.1 only, and closed without waiting for idle visitors. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LocalServer {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Lets a server listen on `port`, or on any free one. Rejects when the port is taken. */
export async function listenLocally(server: Server, port = 0): Promise<LocalServer> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  const actual = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${actual}`,
    port: actual,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // Requests under way get a moment, then the connection goes.
        setTimeout(() => server.closeAllConnections(), 500).unref();
      }),
  };
}
