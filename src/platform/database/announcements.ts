import { Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { Client } from 'pg';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/env';
import { Clock } from '../clock';
import { Lifecycle } from '../lifecycle';
import { Logger } from '../logger';

/** What Postgres tells all processes by NOTIFY; triggers and functions of the migrations send it. */
export type Channel = keyof typeof LISTEN;

/** Channels take no parameter, so each statement stands as it is. */
const LISTEN = {
  entitlements: 'listen entitlements',
  meters: 'listen meters',
  usage_generation: 'listen usage_generation',
  alert_rules: 'listen alert_rules',
  tenants: 'listen tenants',
  api_keys: 'listen api_keys',
  clock: 'listen clock',
} as const;

/** `payload` null: some may have been missed, so anything may have changed. */
type Listener = (payload: string | null) => void;

const RECONNECT_MS = 250;
/** A revoked key must be noticed within a second although the network drops what Postgres says. */
const ASK_EVERY_MS = 250;
const SILENT_MS = 700;
const LOST_MS = 5000;

/**
 * Hears what other processes have changed, so that remembered rows are forgotten within milliseconds. A lost
 * connection is told to the listeners as "anything may have changed", when it is lost and when it is back.
 */
@Injectable()
export class Announcements implements OnApplicationBootstrap {
  private readonly logger = new Logger('announcements');
  private readonly listeners = new Map<Channel, Listener[]>();
  private client: Client | null = null;
  private stopping = false;
  /** Monotonic milliseconds of the last answer on the connection: announcements before it have arrived. */
  private heardAt = -Infinity;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly clock: Clock,
    private readonly lifecycle: Lifecycle,
  ) {}

  /** Call it in a constructor: later ones are not listened for. */
  on(channel: Channel, listener: Listener): void {
    this.listeners.set(channel, [...(this.listeners.get(channel) ?? []), listener]);
  }

  /** False while changes may go unheard: what is remembered then is old in less than a second. */
  get isHearing(): boolean {
    return this.clock.monotonicMs() - this.heardAt < SILENT_MS;
  }

  async onApplicationBootstrap(): Promise<void> {
    this.lifecycle.onShutdown('database', 'announcements', async () => {
      this.stopping = true;
      await this.client?.end().catch(() => undefined);
    });
    await this.connect();
  }

  private async connect(): Promise<void> {
    if (this.stopping) return;
    const client = new Client({
      connectionString: this.config.database.url,
      application_name: 'tenant-billing-listen',
      keepAlive: true,
      connectionTimeoutMillis: 5000,
    });
    this.client = client;
    // Without a handler a broken connection would end the process (F-68).
    client.on('error', () => this.lose(client));
    client.on('end', () => this.lose(client));
    client.on('notification', ({ channel, payload }) => this.tell(channel as Channel, payload ?? ''));
    try {
      await client.connect();
      for (const channel of this.listeners.keys()) await client.query(LISTEN[channel]);
      this.heardAt = this.clock.monotonicMs();
      this.tellAll();
      this.askRegularly(client);
    } catch (error) {
      this.logger.debug('announcements.away', { message: String(error) });
      this.lose(client);
    }
  }

  private lose(client: Client): void {
    if (this.client !== client) return;
    this.client = null;
    this.heardAt = -Infinity;
    client.removeAllListeners('notification');
    client.end().catch(() => undefined);
    if (this.stopping) return;
    this.tellAll();
    setTimeout(() => void this.connect(), RECONNECT_MS).unref();
  }

  /** A connection whose other end vanished without a word is silent for ever; a question finds out. */
  private askRegularly(client: Client): void {
    let asked: number | null = null;
    const timer = setInterval(() => {
      if (this.client !== client) return clearInterval(timer);
      const now = this.clock.monotonicMs();
      if (asked !== null) return now - asked > LOST_MS ? this.lose(client) : undefined;
      asked = now;
      client.query('select 1').then(
        () => {
          asked = null;
          // As of the question: what was announced before it has come before its answer.
          if (this.client === client) this.heardAt = now;
        },
        () => this.lose(client),
      );
    }, ASK_EVERY_MS);
    timer.unref();
  }

  private tell(channel: Channel, payload: string): void {
    for (const listener of this.listeners.get(channel) ?? []) listener(payload);
  }

  private tellAll(): void {
    for (const listeners of this.listeners.values()) for (const listener of listeners) listener(null);
  }
}
