import { Injectable } from '@nestjs/common';
import { ClsService, ClsServiceManager } from 'nestjs-cls';
import { KeyKind } from '../contracts/permissions';
import { CONTEXT_KEYS } from './context-keys';

/** Who acts: a key of some kind, or the system itself (jobs, webhooks, consumers). */
export interface Actor {
  kind: KeyKind | 'system';
  /** Key id, or the name of the job or consumer. */
  id: string;
}

/** What is known about the request or job that runs now: for logs, audit rows and operation keys. */
@Injectable()
export class RequestContext {
  private readonly cls: ClsService = ClsServiceManager.getClsService();

  /**
   * Opens a fresh context around `fn`; the edge of every request, job and message.
   * @param start.answerBy monotonic milliseconds at which the caller gives up; calls to others end before
   */
  run<T>(start: { requestId: string; ip?: string; actor?: Actor; answerBy?: number }, fn: () => T): T {
    return this.cls.run({ ifNested: 'override' }, () => {
      this.cls.set(CONTEXT_KEYS.requestId, start.requestId);
      this.cls.set(CONTEXT_KEYS.ip, start.ip);
      this.cls.set(CONTEXT_KEYS.actor, start.actor);
      this.cls.set(CONTEXT_KEYS.answerBy, start.answerBy);
      return fn();
    });
  }

  /** Does work whose caller is ready to wait as long as it takes, in the rest of this context. */
  withoutDeadline<T>(fn: () => T): T {
    return this.cls.run({ ifNested: 'inherit' }, () => {
      this.cls.set(CONTEXT_KEYS.answerBy, undefined);
      return fn();
    });
  }

  setActor(actor: Actor): void {
    this.cls.set(CONTEXT_KEYS.actor, actor);
  }

  /** The id under which an idempotent request's Stripe calls are keyed; stable over its retries. */
  setOperationId(id: string): void {
    this.cls.set(CONTEXT_KEYS.operationId, id);
  }

  get operationId(): string | null {
    return this.read<string>(CONTEXT_KEYS.operationId);
  }

  get actor(): Actor {
    return this.read<Actor>(CONTEXT_KEYS.actor) ?? { kind: 'system', id: 'unknown' };
  }

  /** When the caller must have its answer, in monotonic milliseconds; infinite for work nobody waits for. */
  get answerBy(): number {
    return this.read<number>(CONTEXT_KEYS.answerBy) ?? Infinity;
  }

  get requestId(): string | null {
    return this.read<string>(CONTEXT_KEYS.requestId);
  }

  get ip(): string | null {
    return this.read<string>(CONTEXT_KEYS.ip);
  }

  private read<T>(key: symbol): T | null {
    return this.cls.isActive() ? ((this.cls.get(key) as T | undefined) ?? null) : null;
  }
}
