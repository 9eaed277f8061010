import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { seeded } from '../support/random';

/** What goes wrong on the way. Chances are from 0 to 1; what is left out does not happen. */
export interface NetworkFaults {
  /** Milliseconds that each piece of data waits, in both directions. */
  delayMs?: number;
  /** Up to so many milliseconds more, at random. */
  jitterMs?: number;
  /** Chance that a new connection is hung up on. */
  refuse?: number;
  /** Chance, per piece of a request, that the connection is reset before the server sees it. */
  dropRequest?: number;
  /** Chance, per piece of an answer, that the connection is reset: the server has acted, and nobody is told. */
  cutAnswer?: number;
  /** Chance, per piece of an answer, that half of it comes through before the reset. */
  halfAnswer?: number;
  /** Everything is swallowed, and every connection stays open. */
  blackHole?: boolean;
}

/** What the proxy has done so far. */
export interface ProxyCounts {
  connections: number;
  refused: number;
  dropped: number;
  cut: number;
  halved: number;
  swallowed: number;
}

/** A TCP proxy that can be told to misbehave, while it runs. */
export class FaultProxy {
  readonly counts: ProxyCounts = { connections: 0, refused: 0, dropped: 0, cut: 0, halved: 0, swallowed: 0 };
  private readonly links = new Set<Link>();
  private readonly server: Server;
  private readonly random: () => number;
  private faults: NetworkFaults = {};
  private port_ = 0;

  private constructor(
    private readonly targetPort: number,
    seed: number,
  ) {
    this.random = seeded(seed);
    // Each side may say that it is finished while the other still speaks.
    this.server = createServer({ allowHalfOpen: true }, (client) => this.accept(client));
  }

  /** Listens on a free port of 127.0.0.1 before `targetPort` of the same machine. */
  static async start(targetPort: number, seed = 1): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort, seed);
    await new Promise<void>((resolve, reject) => {
      proxy.server.once('error', reject);
      proxy.server.listen(0, '127.0.0.1', resolve);
    });
    proxy.port_ = (proxy.server.address() as AddressInfo).port;
    return proxy;
  }

  get port(): number {
    return this.port_;
  }

  /** The same address, through the proxy. */
  through(url: string): string {
    const address = new URL(url);
    address.hostname = '127.0.0.1';
    address.port = String(this.port_);
    return address.toString();
  }

  /** Replaces all faults. Connections whose data was swallowed cannot be mended: they are reset when it ends. */
  set(faults: NetworkFaults): void {
    this.faults = faults;
    if (faults.blackHole) return;
    for (const link of this.links) if (link.isPoisoned) link.reset();
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.set({});
  }

  /** Resets every connection there is. */
  resetAll(): void {
    for (const link of this.links) link.reset();
  }

  async close(): Promise<void> {
    this.resetAll();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    this.counts.connections++;
    if (this.happens(this.faults.refuse)) {
      this.counts.refused++;
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: '127.0.0.1', port: this.targetPort, allowHalfOpen: true });
    const link = new Link(client, server, () => this.links.delete(link));
    this.links.add(link);
    client.on('data', (piece: Buffer) => this.carryRequest(link, piece));
    server.on('data', (piece: Buffer) => this.carryAnswer(link, piece));
  }

  private carryRequest(link: Link, piece: Buffer): void {
    if (this.swallows(link)) return;
    if (this.happens(this.faults.dropRequest)) {
      this.counts.dropped++;
      link.reset();
    } else link.toServer(piece, this.wait());
  }

  private carryAnswer(link: Link, piece: Buffer): void {
    if (this.swallows(link)) return;
    if (this.happens(this.faults.cutAnswer)) {
      this.counts.cut++;
      link.reset();
    } else if (this.happens(this.faults.halfAnswer)) {
      this.counts.halved++;
      link.endWith(piece.subarray(0, piece.length >> 1));
    } else link.toClient(piece, this.wait());
  }

  private swallows(link: Link): boolean {
    if (!this.faults.blackHole && !link.isPoisoned) return false;
    link.isPoisoned = true;
    this.counts.swallowed++;
    return true;
  }

  private happens(chance = 0): boolean {
    return chance > 0 && this.random() < chance;
  }

  private wait(): number {
    const { delayMs = 0, jitterMs = 0 } = this.faults;
    return delayMs + (jitterMs > 0 ? this.random() * jitterMs : 0);
  }
}

/** A client's connection and its counterpart to the server. */
class Link {
  /** Data of this connection was swallowed: what would follow makes no sense. */
  isPoisoned = false;
  private readonly queues = new Map<Socket, Promise<void>>();
  private isOver = false;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly ended: () => void,
  ) {
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // A reset on one side is a reset on the other: that is how a dead process looks from outside.
      socket.on('error', () => this.reset());
      socket.on('close', () => this.forgetWhenBothEnded());
    }
    client.on('end', () => this.afterQueue(server, () => server.end()));
    server.on('end', () => this.afterQueue(client, () => client.end()));
  }

  toServer(piece: Buffer, waitMs: number): void {
    this.carry(this.client, this.server, piece, waitMs);
  }

  toClient(piece: Buffer, waitMs: number): void {
    this.carry(this.server, this.client, piece, waitMs);
  }

  endWith(piece: Buffer): void {
    this.client.write(piece, () => this.reset());
  }

  reset(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.ended();
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  private carry(from: Socket, to: Socket, piece: Buffer, waitMs: number): void {
    if (waitMs <= 0 && !this.queues.has(to)) return this.write(from, to, piece);
    const before = this.queues.get(to) ?? Promise.resolve();
    const due = new Promise<void>((resolve) => setTimeout(resolve, waitMs));
    const turn = Promise.all([before, due]).then(() => {
      this.write(from, to, piece);
      if (this.queues.get(to) === turn) this.queues.delete(to);
    });
    this.queues.set(to, turn);
  }

  private write(from: Socket, to: Socket, piece: Buffer): void {
    if (to.destroyed || !to.writable) return;
    if (to.write(piece)) return;
    from.pause();
    to.once('drain', () => from.resume());
  }

  private forgetWhenBothEnded(): void {
    if (!this.client.destroyed || !this.server.destroyed) return;
    this.isOver = true;
    this.ended();
  }

  private afterQueue(to: Socket, act: () => void): void {
    void (this.queues.get(to) ?? Promise.resolve()).then(act);
  }
}
