import { MOST_ATTEMPTS, retryDelaySeconds, type NotificationContents } from '../notification';
import {
  isForMail,
  receiptContent,
  usageAlertContent,
  usageSummaryContent,
  welcomeContent,
} from '../notification-contents';
import { renderMessage } from './render';

const PUBLIC_URL = 'https://billing.example.test';
const RECEIPT: NotificationContents['receipt'] = {
  tenant_name: 'Acme',
  plan_name: 'Team',
  quantity: 3,
  amount: 8700,
  currency: 'eur',
  interval: 'month',
  interval_count: 1,
  period_start: '2026-11-21T10:00:00.000Z',
  period_end: '2026-12-21T10:00:00.000Z',
  renews_at: '2026-12-21T10:00:00.000Z',
  trial_ends_at: null,
};

function receipt(changes: Partial<NotificationContents['receipt']> = {}, locale = 'en') {
  return renderMessage({ type: 'receipt', locale, content: { ...RECEIPT, ...changes } }, PUBLIC_URL);
}

/** What a person reads of the HTML part. */
function read(html: string): string {
  const body = html.slice(html.indexOf('<body'));
  return body
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ');
}

describe('a receipt', () => {
  it('says the same in both parts', () => {
    const { subject, text, html } = receipt();
    expect(subject).toBe('Your subscription to Team has begun');
    for (const part of [text, read(html)])
      for (const said of ['Acme is now on Team', 'Team × 3', '€87.00 per month', 'December 21, 2026'])
        expect(part).toContain(said);
  });

  it.each([
    ['jpy', 1500, 'en', '¥1,500 per month'],
    ['kwd', 12340, 'en', 'KWD\u00a012.340 per month'],
    ['usd', 100, 'de', '1,00\u00a0$ per month'],
  ])('writes %s as its readers do', (currency, amount, locale, price) => {
    expect(receipt({ currency, amount }, locale).text).toContain(price);
  });

  it('names longer intervals', () => {
    expect(receipt({ interval: 'year', interval_count: 2 }).text).toContain('€87.00 every 2 years');
  });

  it('leaves out what is not known instead of guessing', () => {
    const { text, html } = receipt({
      plan_name: null,
      amount: null,
      currency: null,
      period_start: null,
      period_end: null,
      renews_at: null,
    });
    expect(text).toContain('Acme is now on your plan');
    for (const part of [text, html])
      expect(part).not.toMatch(/null|undefined|NaN|Invalid|Next renewal|Price/);
  });

  it('runs no markup of a name, in subject line, text or attribute', () => {
    const name = `"><img src=x onerror=alert(1)>'&`;
    const { html } = receipt({ plan_name: name, tenant_name: name });
    expect(html).not.toContain('<img');
    expect(read(html)).toContain(name);
  });

  it('fits 320 px: nothing in it is wider by decree', () => {
    const widths = [...receipt().html.matchAll(/[^-]width[:=]"?(\d+)(%|px)?/g)].map(([all]) => all);
    expect(widths.every((width) => width.includes('100%'))).toBe(true);
  });
});

describe('a welcome', () => {
  const welcome = (trial_ends_at: string | null, locale = 'en') =>
    renderMessage({ type: 'welcome', locale, content: { tenant_name: 'Acme', trial_ends_at } }, PUBLIC_URL);

  it('names the end of the trial in UTC, or none', () => {
    expect(welcome('2026-12-05T23:59:59.000Z').text).toContain('December 5, 2026');
    expect(welcome('2026-12-05T23:59:59.000Z', 'fr').text).toContain('5 décembre 2026');
    expect(welcome(null).text).not.toMatch(/trial/i);
  });

  it('leads to the plans', () => {
    expect(welcome(null).text).toContain('https://billing.example.test/pricing');
    expect(welcome(null).html).toContain('href="https://billing.example.test/pricing"');
  });
});

describe('an alert about usage', () => {
  const ALERT = {
    metric: 'email_sends',
    metric_name: 'E-mails sent',
    percent: 80,
    severity: 'warning',
    current_usage: 8000,
    limit: 10000,
    grace_limit: 10000,
    period: { start: '2026-11-01T00:00:00.000Z', end: '2026-12-01T00:00:00.000Z' },
    channels: ['email'],
  };
  const alert = (changes: Record<string, unknown> = {}, locale = 'en') =>
    renderMessage(
      { type: 'usage_alert', locale, content: usageAlertContent({ ...ALERT, ...changes }, 'Acme') },
      PUBLIC_URL,
    );

  it('says how much is used and when it starts again, in both parts', () => {
    const { subject, text, html } = alert();
    expect(subject).toBe('80 % of E-mails sent used');
    for (const part of [text, read(html)])
      for (const said of [
        'Acme has used 8,000 of 10,000',
        'December 1, 2026',
        'At 10,000 further usage is refused',
      ])
        expect(part).toContain(said);
  });

  it('is urgent near the limit, and says at the limit what holds from now on', () => {
    expect(alert({ percent: 95, severity: 'urgent' }).subject).toBe('Urgent: 95 % of E-mails sent used');
    const full = alert({ percent: 100, severity: 'limit', current_usage: 10000 });
    expect(full.subject).toBe('Limit reached: E-mails sent');
    expect(full.text).toContain('Further usage is refused from now on');
    expect(full.text).toContain('Upgrade: https://billing.example.test/pricing');
  });

  it('names the grace where there is one', () => {
    const { text } = alert({ percent: 100, severity: 'limit', current_usage: 10000, grace_limit: 11000 });
    expect(text).toContain('Up to 11,000 still passes');
  });

  it('tells of gauges without a day on which they would start again', () => {
    const { text } = alert({ period: null, percent: 100, severity: 'limit', current_usage: 10000 });
    expect(text).toContain('free some of it');
    expect(text).not.toMatch(/again|null|Invalid/);
  });

  it('writes long numbers exactly', () => {
    expect(alert({ current_usage: '12345678901234567890.5' }).text).toContain('12,345,678,901,234,567,890.5');
    expect(alert({ current_usage: '8000.25' }, 'de').text).toContain('8.000,25');
  });

  it('is a mail only where the tenant wants one', () => {
    expect([isForMail(ALERT), isForMail({ channels: ['in_app'] }), isForMail({})]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('a summary of a month', () => {
  it('names every metric with its limit', () => {
    const content = usageSummaryContent(
      {
        period: { start: '2026-11-01T00:00:00.000Z', end: '2026-12-01T00:00:00.000Z' },
        metrics: [
          { metric: 'email_sends', name: 'E-mails sent', kind: 'flow', current_usage: 1200, limit: 3000 },
          { metric: 'api_calls', name: 'API calls', kind: 'flow', current_usage: '0.5', limit: null },
          { metric: 'seats', name: 'Seats', kind: 'gauge', current_usage: 4, limit: 5 },
        ],
      },
      'Acme',
    );
    const { subject, text } = renderMessage({ type: 'usage_summary', locale: 'en', content }, PUBLIC_URL);
    expect(subject).toBe('Your usage, November 1, 2026 – December 1, 2026');
    expect(text).toMatch(/E-mails sent: +1,200 of 3,000\n/);
    expect(text).toMatch(/API calls: +0\.5\n/);
    expect(text).toMatch(/Seats \(now\): +4 of 5\n/);
  });
});

describe('contents taken from events', () => {
  const subscription = {
    status: 'ACTIVE',
    quantity: 2,
    plan: { name: 'Team', amount: 2900, currency: 'usd', interval: 'month', interval_count: 1 },
    current_period_start: '2026-11-21T10:00:00.000Z',
    current_period_end: '2026-12-21T10:00:00.000Z',
    cancel_at_period_end: false,
    cancel_at: null,
    trial_end: '2026-12-01T10:00:00.000Z',
  };

  it('count the quantity, and name a trial only while it runs', () => {
    expect(receiptContent(subscription, 'Acme')).toMatchObject({ amount: 5800, trial_ends_at: null });
    expect(receiptContent({ ...subscription, status: 'TRIALING' }, 'Acme').trial_ends_at).toBe(
      '2026-12-01T10:00:00.000Z',
    );
  });

  it('promise no renewal of what ends', () => {
    expect(receiptContent(subscription, 'Acme').renews_at).toBe('2026-12-21T10:00:00.000Z');
    expect(receiptContent({ ...subscription, cancel_at_period_end: true }, 'Acme').renews_at).toBeNull();
  });

  it('bear events that lack what they should have', () => {
    expect(() =>
      renderMessage({ type: 'receipt', locale: 'en', content: receiptContent({}, '') }, PUBLIC_URL),
    ).not.toThrow();
    for (const render of [
      () =>
        renderMessage({ type: 'usage_alert', locale: 'en', content: usageAlertContent({}, '') }, PUBLIC_URL),
      () =>
        renderMessage(
          { type: 'usage_summary', locale: 'en', content: usageSummaryContent({}, '') },
          PUBLIC_URL,
        ),
    ])
      expect(render).not.toThrow();
    expect(welcomeContent({})).toEqual({ tenant_name: '', trial_ends_at: null });
  });
});

describe('trying again', () => {
  it('waits longer each time, 10 s to an hour, for about six hours', () => {
    const delays = Array.from({ length: MOST_ATTEMPTS - 1 }, (_, n) => retryDelaySeconds(n + 1));
    expect(delays.slice(0, 6)).toEqual([10, 30, 90, 270, 810, 2430]);
    expect(Math.max(...delays)).toBe(3600);
    expect(delays.reduce((sum, delay) => sum + delay) / 3600).toBeGreaterThan(5.5);
  });
});
