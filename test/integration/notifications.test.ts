import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMailbox, type Mailbox } from '../../sandbox/mail/server';
import type { StoredMessage } from '../../sandbox/mail/store';
import { startTestService, type TestService } from '../support/service';

let dir: string;
let mailbox: Mailbox;
let service: TestService;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-notifications-'));
  mailbox = await startMailbox({ dir });
  service = await startTestService({ env: { SMTP_URL: mailbox.smtpUrl } });
});

afterAll(async () => {
  await service.close();
  await mailbox.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function mailsTo(address: string): Promise<StoredMessage[]> {
  const answer = await fetch(`${mailbox.url}/api/messages?to=${encodeURIComponent(address)}`);
  return ((await answer.json()) as { data: StoredMessage[] }).data;
}

/** All mail to an address once at least one came and nothing more is on its way. */
async function settledMailsTo(address: string, least = 1): Promise<StoredMessage[]> {
  await service.until(async () => (await mailsTo(address)).length >= least);
  await service.until(async () => (await rowsOf(address)).every(({ status }) => status === 'sent'));
  return mailsTo(address);
}

interface Row {
  id: string;
  status: string;
  attempts: number;
  error: string | null;
}

function rowsOf(recipient: string): Promise<Row[]> {
  return service.rows<Row>('select * from notifications where recipient = $1 order by created_at', [
    recipient,
  ]);
}

function setFaults(faults: Record<string, unknown>): Promise<unknown> {
  return fetch(`${mailbox.url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(faults) });
}

function address(): string {
  return `${randomUUID()}@example.test`;
}

function header(message: StoredMessage, name: string): string | undefined {
  return message.headers.find((one) => one.name.toLowerCase() === name)?.value;
}

async function hasBeenTried(recipient: string): Promise<boolean> {
  return (await rowsOf(recipient)).some(({ attempts, error }) => attempts > 0 && error !== null);
}

describe('mail to people', () => {
  it('welcomes a new tenant once, in its customs', async () => {
    const email = address();
    const name = '<b>Bäcker & Söhne</b>';
    const { trial } = await service.admin('POST', '/v1/admin/tenants', { name, email, locale: 'de' });
    const [mail, ...more] = await settledMailsTo(email);
    expect(more).toEqual([]);
    const day = new Intl.DateTimeFormat('de', { dateStyle: 'long', timeZone: 'UTC' });
    expect(mail!.subject).toBe(`Welcome, ${name}`);
    expect(mail!.text).toContain(day.format(new Date(trial.ends_at)));
    expect(mail!.html).toContain('&lt;b&gt;Bäcker &amp; Söhne&lt;/b&gt;');
    expect(mail!.html).not.toContain('<b>');
    const [row] = await rowsOf(email);
    expect(header(mail!, 'message-id')).toBe(`<${row!.id}@billing.test>`);
  });

  it('sends a receipt to the owner and to who pays, each in their customs', async () => {
    const [owner, payer, member] = [address(), address(), address()];
    const tenant = await service.makeTenant({
      email: owner,
      contacts: [
        { email: payer, role: 'billing', locale: 'de' },
        { email: member, role: 'member' },
      ],
    });
    const plan = await service.makePlan({ name: 'Team', amount: 123450, currency: 'eur' });
    const subscription = await service.subscribe(tenant, plan.id);
    await service.settle();
    const receipts = async (email: string): Promise<StoredMessage[]> =>
      (await settledMailsTo(email, email === owner ? 2 : 1)).filter(({ subject }) =>
        /subscription/.test(subject),
      );
    const [toOwner, ...more] = await receipts(owner);
    const [toPayer, ...moreToPayer] = await receipts(payer);
    expect([more, moreToPayer, await mailsTo(member)]).toEqual([[], [], []]);
    const renewal = new Intl.DateTimeFormat('de', { dateStyle: 'long', timeZone: 'UTC' }).format(
      new Date(subscription.current_period_end),
    );
    expect(toOwner!.subject).toBe('Your subscription to Team has begun');
    expect(toOwner!.text).toContain('€1,234.50 per month');
    expect(toPayer!.text).toContain('1.234,50\u00a0€ per month');
    expect(toPayer!.text).toMatch(new RegExp(`Next renewal: +${renewal}`));
    expect(toPayer!.html).toContain('http://billing.test/pricing');
  });

  it('tells a cause once, even when its event is handled again', async () => {
    const email = address();
    const { id } = await service.admin('POST', '/v1/admin/tenants', { name: 'Again', email });
    await settledMailsTo(email);
    await service.rows('update outbox set dispatched_at = null where tenant_id = $1', [id]);
    await service.settle();
    expect(await settledMailsTo(email)).toHaveLength(1);
    expect(await rowsOf(email)).toHaveLength(1);
  });

  it('sends each message once when two processes send', async () => {
    const replica = await service.replica();
    try {
      const emails = Array.from({ length: 25 }, address);
      await Promise.all(
        emails.map((email) => service.admin('POST', '/v1/admin/tenants', { name: 'Many', email })),
      );
      for (const email of emails) expect(await settledMailsTo(email)).toHaveLength(1);
    } finally {
      await replica.stop();
    }
  });
});

describe('a mail server in trouble', () => {
  it('that was down loses nothing and doubles nothing', async () => {
    const { port, smtpPort } = mailbox;
    const emails = [address(), address(), address()];
    await mailbox.stop();
    for (const email of emails) await service.admin('POST', '/v1/admin/tenants', { name: 'Waits', email });
    for (const email of emails) await service.until(() => hasBeenTried(email));
    expect(await rowsOf(emails[0]!)).toMatchObject([{ status: 'pending', error: 'ESOCKET' }]);
    mailbox = await startMailbox({ dir, port, smtpPort });
    await service.rows(`update notifications set next_attempt_at = now() where status = 'pending'`);
    for (const email of emails) expect(await settledMailsTo(email)).toHaveLength(1);
  });

  it('that refuses is asked again later, and its words are not kept', async () => {
    const email = address();
    await setFaults({ reject: true, code: 451 });
    try {
      await service.admin('POST', '/v1/admin/tenants', { name: 'Refused', email });
      await service.until(() => hasBeenTried(email));
      const [row] = await service.rows<Row & { pause: number }>(
        `select *, extract(epoch from next_attempt_at - clock_timestamp())::float as pause
         from notifications where recipient = $1`,
        [email],
      );
      expect(row).toMatchObject({ status: 'pending', attempts: 1, error: 'the mail server answered 451' });
      expect(row!.pause).toBeGreaterThan(5);
      expect(row!.pause).toBeLessThanOrEqual(10);
    } finally {
      await setFaults({});
    }
    await service.rows('update notifications set next_attempt_at = now() where recipient = $1', [email]);
    expect(await settledMailsTo(email)).toHaveLength(1);
  });

  it('that refuses for ever is given up after 12 attempts, with an alarm', async () => {
    const email = address();
    const alarms = async (): Promise<number> => {
      const { text } = await service.api('GET', '/metrics', { key: service.adminKey });
      return Number(/billing_alarms_total\{kind="notification_failed"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const before = await alarms();
    await setFaults({ reject: true });
    try {
      await service.admin('POST', '/v1/admin/tenants', { name: 'Never', email });
      await service.until(() => hasBeenTried(email));
      await service.rows(
        'update notifications set attempts = 11, next_attempt_at = now() where recipient = $1',
        [email],
      );
      await service.until(async () => (await rowsOf(email))[0]!.status === 'failed');
    } finally {
      await setFaults({});
    }
    expect(await rowsOf(email)).toMatchObject([{ attempts: 12, error: 'the mail server answered 550' }]);
    expect(await alarms()).toBe(before + 1);
    expect(await mailsTo(email)).toEqual([]);
  });

  it('gets a message again, under the same id, when its sender died before it could note the success', async () => {
    const email = address();
    await service.admin('POST', '/v1/admin/tenants', { name: 'Died', email });
    const [first] = await settledMailsTo(email);
    // What a kill between the server's yes and our commit leaves behind: a claim whose lease runs out.
    await service.rows(
      `update notifications set status = 'pending', sent_at = null, locked_until = now() + interval '1 second'
       where recipient = $1`,
      [email],
    );
    const [second] = await settledMailsTo(email, 2);
    expect(header(second!, 'message-id')).toBe(header(first!, 'message-id'));
  });
});
