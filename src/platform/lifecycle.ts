import { Injectable } from '@nestjs/common';
import { Logger } from './logger';

/** The order in which a process stops (reliability C.14, F-59, F-60): intake first, stores last. */
const STAGES = [
  'readiness',
  'intake',
  'consumers',
  'workers',
  'relays',
  'queues',
  'redis',
  'database',
] as const;
export type ShutdownStage = (typeof STAGES)[number];

/** Knows whether the process is ready or stopping, and stops its parts in the one right order. */
@Injectable()
export class Lifecycle {
  private readonly logger = new Logger('lifecycle');
  private readonly steps: { stage: ShutdownStage; name: string; stop: () => Promise<void> }[] = [];
  private readonly background: { name: string; start: () => void | Promise<void> }[] = [];
  private stopping: Promise<void> | null = null;

  get isStopping(): boolean {
    return this.stopping !== null;
  }

  /** A part says how its background work begins; run only in processes of role worker or all. */
  inBackground(name: string, start: () => void | Promise<void>): void {
    this.background.push({ name, start });
  }

  /** Begins all background work, in the order in which the parts announced it. */
  async startBackground(): Promise<void> {
    for (const { name, start } of this.background) {
      await start();
      this.logger.debug('background.started', { name });
    }
  }

  /** A part says how it is stopped; called at its start. */
  onShutdown(stage: ShutdownStage, name: string, stop: () => Promise<void>): void {
    this.steps.push({ stage, name, stop });
  }

  /** Stops everything once; a part that fails or takes over 6 seconds does not hold up the rest. */
  shutdown(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  private async stopAll(): Promise<void> {
    for (const stage of STAGES) {
      const steps = this.steps.filter((step) => step.stage === stage);
      await Promise.all(steps.map((step) => this.stopOne(step.name, step.stop)));
    }
  }

  private async stopOne(name: string, stop: () => Promise<void>): Promise<void> {
    try {
      await withDeadline(stop(), 6000, `${name} did not stop in time`);
    } catch (error) {
      this.logger.error('shutdown.step_failed', error, { step: name });
    }
  }
}

/** Rejects when `work` has not settled after `ms`; the work itself goes on. */
export function withDeadline<T>(work: Promise<T>, ms: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms);
    timer.unref();
  });
  return Promise.race([work, deadline]).finally(() => clearTimeout(timer));
}
