import type { Message } from './message';

/** The two parts of an e-mail; both say the same. */
export interface LaidOut {
  subject: string;
  text: string;
  html: string;
}

const FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

/** The one layout of all messages. Tables and inline styles: mail programs know little else; fluid down to 320 px. */
export function layOut(message: Message, publicUrl: string): LaidOut {
  return { subject: message.subject, text: textOf(message, publicUrl), html: htmlOf(message, publicUrl) };
}

function textOf({ heading, paragraphs, facts, action }: Message, publicUrl: string): string {
  const width = Math.max(0, ...facts.map(([label]) => label.length));
  const lines = facts.map(([label, value]) => `${`${label}:`.padEnd(width + 2)}${value}`);
  const blocks = [heading, ...paragraphs, ...(lines.length > 0 ? [lines.join('\n')] : [])];
  return [...blocks, `${action.label}: ${action.url}`, `--\n${publicUrl}`].join('\n\n') + '\n';
}

function htmlOf(message: Message, publicUrl: string): string {
  const { subject, preview, heading, paragraphs, facts, action } = message;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escape(subject)}</title>
<style>
@media (prefers-color-scheme: dark) {
  .page { background: #121917 !important; }
  .card { background: #18201e !important; }
  .card h1, .card p, .card td { color: #e6ebe9 !important; }
  .card td { border-color: #2e3a36 !important; }
  .card td.quiet, .quiet { color: #b3bdba !important; }
}
@media (max-width: 480px) { .card { padding: 24px 16px !important; } }
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f1f5f3">
<div style="display:none;max-height:0;overflow:hidden">${escape(preview)}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="page" style="background:#f1f5f3">
<tr><td align="center" style="padding:24px 8px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px">
<tr><td class="card" style="background:#ffffff;border-radius:12px;padding:32px;${FONT}">
<h1 style="margin:0 0 16px;font-size:24px;line-height:1.25;color:#16201c;${FONT}">${escape(heading)}</h1>
${paragraphs.map(paragraph).join('\n')}
${factTable(facts)}
${button(action)}
</td></tr>
<tr><td class="quiet" align="center" style="padding:16px;font-size:13px;line-height:1.5;color:#55625d;${FONT}">
<a class="quiet" href="${escape(publicUrl)}" style="color:#55625d">${escape(new URL(publicUrl).host)}</a>
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`;
}

function paragraph(text: string): string {
  const style = `margin:0 0 16px;font-size:16px;line-height:1.5;color:#29332f;overflow-wrap:anywhere;${FONT}`;
  return `<p style="${style}">${escape(text)}</p>`;
}

function factTable(facts: Message['facts']): string {
  if (facts.length === 0) return '';
  const cell = `padding:10px 0;border-top:1px solid #dfe5e2;font-size:15px;line-height:1.4;${FONT}`;
  const rows = facts.map(
    ([label, value]) =>
      `<tr><td class="quiet" valign="top" style="${cell};padding-right:16px;color:#55625d">${escape(label)}</td>` +
      `<td valign="top" align="right" style="${cell};color:#16201c;overflow-wrap:anywhere">${escape(value)}</td></tr>`,
  );
  return `<table width="100%" cellpadding="0" cellspacing="0" style="margin:0 0 24px">\n${rows.join('\n')}\n</table>`;
}

function button({ label, url }: Message['action']): string {
  const style =
    'display:inline-block;padding:12px 24px;border-radius:8px;background:#0b7a5e;color:#ffffff;' +
    `font-size:16px;line-height:24px;font-weight:600;text-decoration:none;${FONT}`;
  return `<a href="${escape(url)}" style="${style}">${escape(label)}</a>`;
}

/** Names of tenants and plans are anybody's text. */
function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
