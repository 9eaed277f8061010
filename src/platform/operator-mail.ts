import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from './config/config.module';
import type { Config } from './config/env';
import { Clock } from './clock';
import { uuidV7 } from './crypto';
import { Logger } from './logger';
import { Mailer } from './mailer';

/** Tells the operators (ALERT_EMAIL) of what needs a look, beside the log and the metrics, which always have it. */
@Injectable()
export class OperatorMail {
  private readonly logger = new Logger('operators');

  constructor(
    private readonly mailer: Mailer,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Sends now, never inside a transaction; a mail server that is away is only logged. */
  async tell(subject: string, lines: readonly string[]): Promise<void> {
    const { alertEmail } = this.config.mail;
    if (alertEmail === null || !this.mailer.isConfigured) return;
    const text = [...lines, '', `-- ${this.config.publicUrl}`].join('\n');
    const id = uuidV7(this.clock.realNow().getTime());
    try {
      await this.mailer.send({
        to: alertEmail,
        subject,
        text,
        html: `<pre>${escape(text)}</pre>`,
        messageId: `<${id}@${new URL(this.config.publicUrl).hostname}>`,
      });
    } catch (error) {
      this.logger.error('operators.not_told', error, { subject });
    }
  }
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
