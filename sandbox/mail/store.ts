/** The messages of the sandbox's mailbox: one .eml file each, and what was read off them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import PostalMime, { type Email } from 'postal-mime';

export interface StoredMessage {
  readonly id: string;
  readonly received_at: string;
  /** As in the header; the envelope's sender when there is none. */
  readonly from: string;
  /** Who really gets it: the envelope's recipients, blind copies too. */
  readonly to: string[];
  readonly subject: string;
  readonly text: string;
  /** null when the message has no HTML part. */
  readonly html: string | null;
  readonly headers: { name: string; value: string }[];
  readonly attachments: { filename: string; mime_type: string; size: number }[];
}

export interface Envelope {
  readonly from: string;
  readonly to: string[];
}

export class MessageStore {
  /** Newest first. */
  private messages: StoredMessage[] = [];
  private readonly loaded: Promise<void>;

  /** Opens the folder; messages of earlier runs are there again. */
  constructor(private readonly dir: string) {
    mkdirSync(dir, { recursive: true });
    this.loaded = this.load();
  }

  /** Stores one message as it came; it is on disk when this answers. */
  async add(envelope: Envelope, raw: Buffer): Promise<StoredMessage> {
    await this.loaded;
    const now = new Date();
    const id = `${now.toISOString().replace(/[-:.]/g, '')}-${randomBytes(4).toString('hex')}`;
    // The envelope is no part of a message: kept as headers in front, as mail servers do.
    const bytes = Buffer.concat([
      Buffer.from(`${envelopeHeaders(envelope)}X-Received-At: ${now.toISOString()}\r\n`),
      raw,
    ]);
    const message = await parse(id, bytes);
    const aside = join(this.dir, `.${id}`);
    await writeFile(aside, bytes);
    await rename(aside, this.file(id));
    this.messages.unshift(message);
    return message;
  }

  /**
   * Newest first.
   * @param filter `to`: exactly this recipient; `search`: words anywhere in addresses, subject or text
   */
  async list(filter: { to?: string | null; search?: string | null } = {}): Promise<StoredMessage[]> {
    await this.loaded;
    const to = filter.to?.trim().toLowerCase();
    const words = (filter.search ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    return this.messages.filter((message) => {
      if (to && !message.to.some((address) => address.toLowerCase() === to)) return false;
      const haystack = [message.from, ...message.to, message.subject, message.text].join('\n').toLowerCase();
      return words.every((word) => haystack.includes(word));
    });
  }

  async get(id: string): Promise<StoredMessage | null> {
    await this.loaded;
    return this.messages.find((message) => message.id === id) ?? null;
  }

  /** The message's bytes. Ask {@link get} first: the id becomes a file name. */
  raw(message: StoredMessage): Promise<Buffer> {
    return readFile(this.file(message.id));
  }

  async clear(): Promise<void> {
    await this.loaded;
    for (const message of this.messages) rmSync(this.file(message.id), { force: true });
    this.messages = [];
  }

  private async load(): Promise<void> {
    const names = readdirSync(this.dir).filter((name) => /^[\w-]+\.eml$/.test(name));
    const parsed = await Promise.all(
      names.map((name) => parse(name.slice(0, -'.eml'.length), readFileSync(join(this.dir, name)))),
    );
    this.messages = parsed.sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  private file(id: string): string {
    return join(this.dir, `${id}.eml`);
  }
}

function envelopeHeaders(envelope: Envelope): string {
  const clean = (address: string) => address.replace(/[\r\n]/g, '');
  return `X-Envelope-From: ${clean(envelope.from)}\r\nX-Envelope-To: ${envelope.to.map(clean).join(', ')}\r\n`;
}

async function parse(id: string, bytes: Buffer): Promise<StoredMessage> {
  const email = await PostalMime.parse(bytes);
  const header = (name: string) => email.headers.find(({ key }) => key === name)?.value ?? '';
  const from = email.from;
  return {
    id,
    received_at: header('x-received-at'),
    from: from ? address(from.name, 'address' in from ? from.address : undefined) : header('x-envelope-from'),
    to: header('x-envelope-to').split(', ').filter(Boolean),
    subject: email.subject ?? '',
    text: email.text ?? '',
    html: email.html ?? null,
    headers: email.headers.map(({ key, value }) => ({ name: key, value })),
    attachments: email.attachments.map(attachment),
  };
}

function address(name: string, mailbox: string | undefined): string {
  return name && mailbox ? `${name} <${mailbox}>` : (mailbox ?? name);
}

function attachment(part: Email['attachments'][number]): StoredMessage['attachments'][number] {
  const size = typeof part.content === 'string' ? Buffer.byteLength(part.content) : part.content.byteLength;
  return { filename: part.filename ?? 'unnamed', mime_type: part.mimeType, size };
}
