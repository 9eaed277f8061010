import { LoggerService } from '@nestjs/common';
import pino, { Logger as Pino } from 'pino';
import { ClsServiceManager } from 'nestjs-cls';
import { CONTEXT_KEYS } from './context-keys';

/** Fields of a log line: flat and few; never secrets, card data or e-mail addresses (style 24). */
type Fields = Record<string, string | number | boolean | null | undefined>;

let root: Pino = pino({ level: 'silent' });

/** Sets the level once at start. */
export function configureLogger(level: string): void {
  root = pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'event' });
}

/**
 * Structured events: `logger.info('stripe.event.handled', { type })`. JSON, one line each, request id and
 * tenant added from the context; pino escapes control characters, so input cannot forge lines (S-45).
 */
export class Logger {
  constructor(private readonly room: string) {}

  /** Whether lines of this level are written: for hot paths, which need not even put one together. */
  isOn(level: 'debug' | 'info'): boolean {
    return root.isLevelEnabled(level);
  }

  debug(event: string, fields: Fields = {}): void {
    root.debug(this.line(fields), event);
  }

  info(event: string, fields: Fields = {}): void {
    root.info(this.line(fields), event);
  }

  warn(event: string, fields: Fields = {}): void {
    root.warn(this.line(fields), event);
  }

  error(event: string, error: unknown, fields: Fields = {}): void {
    root.error({ ...this.line(fields), ...describe(error) }, event);
  }

  private line(fields: Fields): Fields {
    const cls = ClsServiceManager.getClsService();
    if (!cls.isActive()) return { room: this.room, ...fields };
    return {
      room: this.room,
      request_id: cls.get<string | undefined>(CONTEXT_KEYS.requestId),
      tenant_id: cls.get<string | undefined>(CONTEXT_KEYS.tenantId),
      ...fields,
    };
  }
}

/** An error as log fields by allow-list: name, code, message and stack; never its config, headers or SQL parameters. */
function describe(error: unknown): Fields {
  if (!(error instanceof Error)) return { error: 'non-error thrown' };
  const code = (error as { code?: unknown }).code;
  return {
    error: error.name,
    code: typeof code === 'string' ? code : undefined,
    message: error.message.slice(0, 500),
    stack: error.stack?.split('\n').slice(1, 12).join('\n'),
  };
}

/** Nest's own messages, in the same JSON lines. */
export class NestLogger implements LoggerService {
  private readonly logger = new Logger('nest');

  log(message: unknown, context?: string): void {
    this.logger.debug('nest.log', { message: String(message), context });
  }

  warn(message: unknown, context?: string): void {
    this.logger.warn('nest.warn', { message: String(message), context });
  }

  error(message: unknown, stack?: string, context?: string): void {
    this.logger.error('nest.error', message instanceof Error ? message : new Error(String(message)), {
      context,
      nest_stack: stack?.slice(0, 2000),
    });
  }
}
