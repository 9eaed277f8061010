/** One keep-alive HTTP/1.1 connection that costs little: no client library, no promise and no object per header. */
import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/** A whole answer; its bytes are only valid during the callback. */
export interface Answer {
  readonly status: number;
  /** Head and body. */
  readonly bytes: Buffer;
  /** Where the body begins in {@link bytes}. */
  readonly bodyAt: number;
}

/** Sends one request at a time and hands over each whole answer. */
export class LoadConnection {
  private waiting: Buffer = NOTHING;
  /** Bytes of the answer under way as a whole, once its head was read. */
  private expected = 0;
  private bodyAt = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly onAnswer: (answer: Answer) => void,
    private readonly onLost: (reason: Error) => void,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('error', (error) => onLost(error));
    socket.on('end', () => onLost(new Error('the server closed the connection')));
  }

  /** Connects to 127.0.0.1. `onLost` is told when the connection breaks; nothing comes after that. */
  static open(
    port: number,
    onAnswer: (answer: Answer) => void,
    onLost: (reason: Error) => void,
  ): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new LoadConnection(socket, onAnswer, onLost));
      });
    });
  }

  /** The bytes may be changed again once the answer is there. */
  send(request: Buffer): void {
    this.socket.write(request);
  }

  close(): void {
    this.socket.removeAllListeners('end');
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    // Small answers come in one chunk; only large ones are put together.
    const bytes = this.waiting.length === 0 ? chunk : Buffer.concat([this.waiting, chunk]);
    if (this.expected === 0 && !this.readHead(bytes)) {
      this.waiting = bytes;
      return;
    }
    if (bytes.length < this.expected) {
      this.waiting = bytes;
      return;
    }
    if (bytes.length > this.expected) {
      this.onLost(new Error('more came than one answer'));
      return;
    }
    const { bodyAt } = this;
    this.waiting = NOTHING;
    this.expected = 0;
    // "HTTP/1.1 200": the status is three digits at a fixed place (RFC 9112, 4).
    const status = (bytes[9]! - 48) * 100 + (bytes[10]! - 48) * 10 + (bytes[11]! - 48);
    this.onAnswer({ status, bytes, bodyAt });
  }

  /** False until the head is whole. */
  private readHead(bytes: Buffer): boolean {
    const end = bytes.indexOf(HEAD_END);
    if (end === -1) return false;
    const head = bytes.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (!length) {
      this.onLost(new Error(`an answer without a length cannot be read: ${head.slice(0, 300)}`));
      return false;
    }
    this.bodyAt = end + HEAD_END.length;
    this.expected = this.bodyAt + Number(length[1]);
    return true;
  }
}
