import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { JobName, JobPayloads, JOBS } from '../../contracts/jobs';
import { JobRun, ON_JOB } from './on-job';

type Handler = (payload: JobPayloads[JobName], run: JobRun) => Promise<void>;

/** Finds the handlers of all jobs once, and refuses to start when one is missing or doubled. */
@Injectable()
export class JobRegistry {
  private readonly handlers = new Map<JobName, Handler>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  /** @throws Error that names the jobs without a handler, or with two, and what to write */
  collect(): void {
    for (const { instance } of this.discovery.getProviders()) {
      if (!instance || typeof instance !== 'object') continue;
      const prototype = Object.getPrototypeOf(instance) as object;
      for (const name of this.scanner.getAllMethodNames(prototype)) this.register(instance as object, name);
    }
    const missing = (Object.keys(JOBS) as JobName[]).filter((name) => !this.handlers.has(name));
    if (missing.length > 0)
      throw new Error(`No handler for ${missing.join(', ')}: mark one method with @OnJob('${missing[0]}')`);
  }

  handlerOf(name: JobName): Handler {
    const handler = this.handlers.get(name);
    if (!handler) throw new Error(`No handler for ${name}`);
    return handler;
  }

  private register(instance: object, method: string): void {
    const candidate = (instance as Record<string, unknown>)[method];
    if (typeof candidate !== 'function') return;
    const job = this.reflector.get<JobName | undefined>(ON_JOB, candidate);
    if (!job) return;
    if (this.handlers.has(job)) throw new Error(`Two handlers for ${job}: keep one @OnJob('${job}')`);
    this.handlers.set(job, (payload, run) => candidate.call(instance, payload, run) as Promise<void>);
  }
}
