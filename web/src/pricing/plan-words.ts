/** Names for people: metrics and features arrive as keys. */

interface MetricWords {
  one: string;
  many: string;
  /** Flows are counted anew every month, gauges are not. */
  monthly: boolean;
}

/** The built-in metrics; meters a company adds later are named after their key. */
const METRICS: Record<string, MetricWords> = {
  referred_users: { one: 'referred user', many: 'referred users', monthly: true },
  campaigns: { one: 'campaign', many: 'campaigns', monthly: false },
  seats: { one: 'team seat', many: 'team seats', monthly: false },
  leaderboard_entries: { one: 'leaderboard entry', many: 'leaderboard entries', monthly: false },
  email_sends: { one: 'e-mail', many: 'e-mails', monthly: true },
  api_calls: { one: 'API call', many: 'API calls', monthly: true },
};

/** Words that are written otherwise than their key. */
const SPELLED: Record<string, string> = {
  api: 'API',
  csv: 'CSV',
  pdf: 'PDF',
  sso: 'SSO',
  ab: 'A/B',
  saml: 'SAML',
  sla: 'SLA',
  ip: 'IP',
  sms: 'SMS',
  url: 'URL',
  ai: 'AI',
  id: 'ID',
  gdpr: 'GDPR',
  email: 'e-mail',
  emails: 'e-mails',
};

/** `email_sends` → "E-mails per month": a row's name. */
export function metricName(metric: string): string {
  const words = METRICS[metric];
  if (!words) return sentence(metric);
  return capital(words.many) + (words.monthly ? ' per month' : '');
}

/** A limit as a sentence's start: "5,000 e-mails per month", "Unlimited campaigns", "1 team seat". */
export function limitPhrase(metric: string, limit: number | null): string {
  const words = METRICS[metric];
  if (limit === null) return `Unlimited ${words ? words.many : lower(metric)}`;
  const noun = words ? (limit === 1 ? words.one : words.many) : lower(metric);
  return `${limit.toLocaleString()} ${noun}${words?.monthly ? ' per month' : ''}`;
}

/** A limit as a table cell, or null when the plan does not include the metric at all. */
export function limitCell(limit: number | null | undefined): string | null {
  if (limit === null) return 'Unlimited';
  return limit === undefined || limit === 0 ? null : limit.toLocaleString();
}

/** `custom_branding` → "Custom branding", `sso` → "SSO". */
export function featureName(feature: string): string {
  return sentence(feature);
}

function sentence(key: string): string {
  return capital(lower(key));
}

function lower(key: string): string {
  const words = key.split(/[\s_.-]+/).filter((word) => word !== '');
  return words.map((word) => SPELLED[word.toLowerCase()] ?? word).join(' ');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
