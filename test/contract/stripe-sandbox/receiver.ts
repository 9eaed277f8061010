import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One delivery as it came in. */
export interface Received {
  id: string;
  type: string;
  body: string;
  signature: string;
  at: number;
}

/** An endpoint on this machine that keeps what it gets. */
export interface Receiver {
  url: string;
  received: Received[];
  /** Status for each delivery; default 200. */
  answer: (delivery: Received) => number;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const { id, type } = JSON.parse(body) as { id: string; type: string };
      const delivery = {
        id,
        type,
        body,
        signature: String(request.headers['stripe-signature']),
        at: Date.now(),
      };
      received.push(delivery);
      response.writeHead(receiver.answer(delivery)).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answer: () => 200,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return receiver;
}
