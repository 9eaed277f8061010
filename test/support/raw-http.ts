import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** What came back over a bare connection. */
export interface RawAnswer {
  status: number;
  headers: Map<string, string>;
  text: string;
  /** Whether the server ended the connection before the test did. */
  closed: boolean;
  /** From the first byte sent until the answer or the end. */
  tookMs: number;
}

interface RawOptions {
  /** Sent one by one, with this pause before each but the first. */
  pauseMs?: number;
  /** How long to wait for a whole answer. */
  timeoutMs?: number;
  /** Wait until the server closes the connection, not only for the answer. */
  untilClosed?: boolean;
}

/**
 * Sends bytes as they are: for requests that no proper client would send.
 * @returns status 0 when the connection ended without an answer
 */
export async function sendRaw(
  url: string,
  parts: string | (string | Buffer)[],
  options: RawOptions = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const started = performance.now();
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  let closed = false;
  const settled = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (!options.untilClosed && isWhole(Buffer.concat(chunks))) resolve();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed = true;
      resolve();
    });
  });
  const sending = (async () => {
    for (const [index, part] of [parts].flat().entries()) {
      if (index > 0 && options.pauseMs) await pause(options.pauseMs);
      if (closed || socket.destroyed) return;
      socket.write(part);
    }
  })();
  const timer = new AbortController();
  await Promise.race([
    settled,
    pause(options.timeoutMs ?? 5000, undefined, { signal: timer.signal }).catch(() => undefined),
  ]);
  timer.abort();
  const tookMs = performance.now() - started;
  // A server that answers and closes does so at once; give its FIN a moment to arrive.
  if (!closed) await pause(20);
  const wasClosed = closed;
  socket.destroy();
  await sending;
  return { ...read(Buffer.concat(chunks)), closed: wasClosed, tookMs };
}

/** The head of a request; a Host header is added. */
export function head(method: string, target: string, ...headers: string[]): string {
  return [`${method} ${target} HTTP/1.1`, 'host: billing.test', ...headers, '', ''].join('\r\n');
}

function isWhole(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end));
  return length !== null && bytes.length >= end + 4 + Number(length[1]);
}

function read(bytes: Buffer): Pick<RawAnswer, 'status' | 'headers' | 'text'> {
  const text = bytes.toString('utf8');
  const end = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = text.slice(0, Math.max(end, 0)).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
    }),
  );
  return { status: Number(first.split(' ')[1] ?? 0), headers, text: end === -1 ? '' : text.slice(end + 4) };
}
