import { Injectable } from '@nestjs/common';
import type { Aggregation, MetricKind } from '../../domain/plan-limits';
import { MetersRepository } from './meters.repository';

/** A metric that can be counted and limited. */
export interface Meter {
  readonly key: string;
  readonly name: string;
  readonly unit: string;
  readonly aggregation: Aggregation;
  readonly kind: MetricKind;
  readonly scale: number;
  readonly builtIn: boolean;
  /** Where an event of a closed period goes. */
  readonly lateUsage: 'next_period' | 'reject';
}

/** Which metrics exist: the built-in ones and the operator's own. Archived meters take no new limits. */
@Injectable()
export class MetersService {
  constructor(private readonly meters: MetersRepository) {}

  /** All meters in use, the built-in ones first, then by key. */
  async all(): Promise<Meter[]> {
    return this.meters.findInUse();
  }

  /** A meter in use or archived: what was counted with it is still there. Null when there was never one. */
  find(key: string): Promise<Meter | null> {
    return this.meters.findByKey(key);
  }

  /** The metrics that take no number as a limit: the value of `max` and `latest` is no amount that fills up (decisions 10). */
  async unlimitable(): Promise<ReadonlySet<string>> {
    const unlimitable = (await this.all()).filter(
      ({ aggregation, kind }) => kind !== 'cap' && (aggregation === 'max' || aggregation === 'latest'),
    );
    return new Set(unlimitable.map((meter) => meter.key));
  }

  /** The metrics that a plan's limits may name. */
  async keys(): Promise<ReadonlySet<string>> {
    return new Set((await this.all()).map((meter) => meter.key));
  }
}
