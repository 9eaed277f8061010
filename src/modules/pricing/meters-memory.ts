import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock';
import { Coalesced } from '../../platform/coalesced';
import { Announcements } from '../../platform/database/announcements';
import { Meter, MetersService } from './meters.service';

const HEARD_MS = 60_000;
const UNHEARD_MS = 1000;

/** All meters by key, for the hot paths; read again when Postgres announces a change. */
@Injectable()
export class MetersMemory {
  private known: { meters: ReadonlyMap<string, Meter>; loadedAt: number } | null = null;
  private changes = 0;
  private readonly loads = new Coalesced<null, ReadonlyMap<string, Meter>>(async (keys) => {
    const meters = await this.load();
    return keys.map(() => meters);
  });

  constructor(
    private readonly meters: MetersService,
    private readonly clock: Clock,
    private readonly announcements: Announcements,
  ) {
    announcements.on('meters', () => {
      this.changes += 1;
      this.known = null;
    });
  }

  /** Null when no meter in use has the key. A key that is not remembered is looked up: it may be a minute old. */
  async find(key: string): Promise<Meter | null> {
    return (await this.all()).get(key) ?? (await this.loads.get(null)).get(key) ?? null;
  }

  /** All meters in use, if they are remembered. */
  recall(): ReadonlyMap<string, Meter> | null {
    const most = this.announcements.isHearing ? HEARD_MS : UNHEARD_MS;
    const isFresh = this.known && this.clock.monotonicMs() - this.known.loadedAt < most;
    return isFresh ? this.known!.meters : null;
  }

  /** All meters in use. */
  async all(): Promise<ReadonlyMap<string, Meter>> {
    return this.recall() ?? this.loads.get(null);
  }

  private async load(): Promise<ReadonlyMap<string, Meter>> {
    const before = this.changes;
    const loadedAt = this.clock.monotonicMs();
    const meters = new Map((await this.meters.all()).map((meter) => [meter.key, meter]));
    if (before === this.changes) this.known = { meters, loadedAt };
    return meters;
  }
}
