import { Inject, Injectable } from '@nestjs/common';
import { createTransport, Transporter } from 'nodemailer';
import { CONFIG } from './config/config.module';
import type { Config } from './config/env';

/** A finished message; both parts say the same. */
export interface MailMessage {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** Stable per message, so that a server or reader can recognise a repeat. */
  messageId: string;
}

/** Hands messages to the SMTP server. Retries and records are the notification module's business. */
@Injectable()
export class Mailer {
  private readonly transport: Transporter | null;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    this.transport = config.mail.smtpUrl
      ? createTransport(config.mail.smtpUrl, {
          // Bounded, so that a silent mail server holds no worker for long.
          ...{ connectionTimeout: 5000, greetingTimeout: 5000, socketTimeout: 10_000 },
        })
      : null;
  }

  get isConfigured(): boolean {
    return this.transport !== null;
  }

  /** Sends now. @throws Error when the server refuses or does not answer */
  async send(message: MailMessage): Promise<void> {
    if (!this.transport) throw new Error('SMTP_URL is not set');
    await this.transport.sendMail({
      from: this.config.mail.from,
      to: message.to,
      subject: message.subject,
      text: message.text,
      html: message.html,
      messageId: message.messageId,
    });
  }
}
