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
}

/** Which metrics exist: the built-in ones and the operator's own. Archived meters take no new limits. */
@Injectable()
export class MetersService {
  constructor(private readonly meters: MetersRepository) {}

  /** All meters in use, the built-in ones first, then by key. */
  async all(): Promise<Meter[]> {
    return this.meters.findInUse();
  }

  /** The metrics that a plan's limits may name. */
  async keys(): Promise<ReadonlySet<string>> {
    return new Set((await this.all()).map((meter) => meter.key));
  }
}
