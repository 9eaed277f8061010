import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { type Mailbox, startMailbox } from '../../sandbox/mail/server';

let dir: string;
let mailbox: Mailbox;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-mail-'));
  mailbox = await startMailbox({ dir });
});

afterEach(async () => {
  await mailbox.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function send(fields: Record<string, unknown> = {}): Promise<void> {
  const transport = createTransport(mailbox.smtpUrl);
  try {
    await transport.sendMail({
      from: 'Billing <billing@example.com>',
      to: 'ada@example.com',
      subject: 'Your trial ends in 3 days',
      text: 'Zwölf Euro.',
      html: '<p>Zwölf <b>Euro</b></p><script>alert(1)</script>',
      ...fields,
    });
  } finally {
    transport.close();
  }
}

interface Message {
  id: string;
  [field: string]: unknown;
}

async function messages(query = ''): Promise<Message[]> {
  const answer = await fetch(`${mailbox.url}/api/messages${query}`);
  return ((await answer.json()) as { data: Message[] }).data;
}

describe('the mailbox of the sandbox', () => {
  it('keeps a message with its text, its HTML and everybody who got it', async () => {
    await send({ bcc: 'hidden@example.com', attachments: [{ filename: 'invoice.txt', content: 'twelve' }] });
    const [message] = await messages();
    expect(message).toMatchObject({
      from: 'Billing <billing@example.com>',
      to: ['ada@example.com', 'hidden@example.com'],
      subject: 'Your trial ends in 3 days',
      html: expect.stringContaining('<b>Euro</b>'),
      attachments: [{ filename: 'invoice.txt', mime_type: 'text/plain', size: 6 }],
    });
    expect(String(message?.text).trim()).toBe('Zwölf Euro.');
    expect(await (await fetch(`${mailbox.url}/api/messages/${message?.id}`)).json()).toEqual(message);
  });

  it('finds messages by recipient and by words, newest first', async () => {
    await send({ subject: 'First' });
    await send({ subject: 'Second', to: 'Grace <grace@example.com>' });
    expect((await messages()).map((message) => message.subject)).toEqual(['Second', 'First']);
    expect((await messages('?to=GRACE@example.com')).map((message) => message.subject)).toEqual(['Second']);
    expect((await messages('?q=first+euro')).map((message) => message.subject)).toEqual(['First']);
    expect(await messages('?to=nobody@example.com')).toEqual([]);
  });

  it('still has the messages after a restart, until they are deleted', async () => {
    await send();
    const [before] = await messages();
    await mailbox.stop();
    mailbox = await startMailbox({ dir });
    expect(await messages()).toEqual([before]);
    expect((await fetch(`${mailbox.url}/api/messages`, { method: 'DELETE' })).status).toBe(204);
    expect(await messages()).toEqual([]);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('refuses mail on demand, for good or for now', async () => {
    const faults = (body: unknown) =>
      fetch(`${mailbox.url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(body) });
    await faults({ reject: true });
    await expect(send()).rejects.toMatchObject({ responseCode: 550 });
    await faults({ reject: true, code: 451 });
    await expect(send()).rejects.toMatchObject({ responseCode: 451 });
    expect((await faults({ rejct: true })).status).toBe(400);
    await faults({});
    await send();
    expect(await messages()).toHaveLength(1);
  });

  it('shows a page where nothing in a message can run', async () => {
    await send({ subject: '<img src=x onerror=alert(1)>' });
    const [message] = await messages();
    const list = await (await fetch(`${mailbox.url}/`)).text();
    expect(list).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(list).not.toContain('<img');
    const shown = await (await fetch(`${mailbox.url}/messages/${message?.id}`)).text();
    expect(shown).toContain('Zwölf Euro.');
    expect(shown).toMatch(/<iframe[^>]* sandbox="allow-popups/);
    expect(shown).not.toContain('<script>alert');
    const frame = await fetch(`${mailbox.url}/messages/${message?.id}/html`);
    expect(frame.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/);
    expect((await fetch(`${mailbox.url}/messages/..%2f..%2fpackage`)).status).toBe(404);
  });
});
