/** The mailbox as a person reads it: a list with a search, and one message. */
import type { StoredMessage } from './store';

const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2328; --quiet: #57606a; --line: #d0d7de; --soft: #f3f5f8; --accent: #1d4ed8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16191d; --ink: #e6e8eb; --quiet: #a5adb6; --line: #3a4149; --soft: #22272e; --accent: #8ab4ff; }
}
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--paper); color: var(--ink); }
a { color: var(--accent); }
header { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; justify-content: space-between; }
h1 { font-size: 1.4rem; margin: .5rem 0; overflow-wrap: anywhere; }
form { display: flex; gap: .5rem; flex: 1 1 16rem; max-width: 28rem; }
input { flex: 1; min-width: 0; font: inherit; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--paper); color: var(--ink); }
button { font: inherit; padding: .5rem .9rem; border: 1px solid var(--line); border-radius: .5rem; cursor: pointer; background: var(--soft); color: var(--ink); }
ul.messages { list-style: none; padding: 0; border: 1px solid var(--line); border-radius: .75rem; overflow: hidden; }
ul.messages a { display: grid; grid-template-columns: 1fr auto; gap: .1rem 1rem; padding: .75rem 1rem; color: inherit; text-decoration: none; }
ul.messages li + li { border-top: 1px solid var(--line); }
ul.messages a:hover, ul.messages a:focus-visible { background: var(--soft); }
.subject { font-weight: 600; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: .9rem; overflow-wrap: anywhere; }
.people { grid-column: 1 / -1; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
iframe { width: 100%; height: 32rem; border: 1px solid var(--line); border-radius: .75rem; background: #fff; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: .75rem; padding: 1rem; }
.empty { padding: 3rem 1rem; text-align: center; border: 1px dashed var(--line); border-radius: .75rem; }
`;

/** The list, newest first; looks by itself for new messages every three seconds. */
export function listPage(messages: StoredMessage[], search: string, nonce: string): string {
  const items = messages.map(
    (message) => `<li><a href="/messages/${encodeURIComponent(message.id)}">
      <span class="subject">${escape(message.subject || '(no subject)')}</span>
      <time class="quiet" datetime="${escape(message.received_at)}">${escape(shortTime(message.received_at))}</time>
      <span class="quiet people">to ${escape(message.to.join(', '))} · from ${escape(message.from)}</span>
    </a></li>`,
  );
  const empty = search
    ? `<p class="empty">No message matches “${escape(search)}”. <a href="/">Show all</a></p>`
    : '<p class="empty">No mail yet. Everything the service sends arrives here and goes nowhere else.</p>';
  const body = `
  <header>
    <h1>Mailbox <span class="quiet">${messages.length}</span></h1>
    <form role="search" action="/"><input type="search" name="q" value="${escape(search)}" placeholder="Search address, subject, text" aria-label="Search messages"><button>Search</button></form>
    <button id="clear" type="button">Delete all</button>
  </header>
  <main>${items.length > 0 ? `<ul class="messages">${items.join('')}</ul>` : empty}</main>
  <script nonce="${nonce}">
    document.getElementById('clear').onclick = async () => {
      if (!confirm('Delete all messages?')) return;
      await fetch('/api/messages', { method: 'DELETE' });
      location.href = '/';
    };
    const known = ${JSON.stringify(messages[0]?.id ?? '')};
    setInterval(async () => {
      if (document.hidden || document.activeElement?.name === 'q') return;
      const answer = await fetch('/api/messages' + location.search).catch(() => null);
      const list = answer && answer.ok ? (await answer.json()).data : null;
      if (list && (list[0]?.id ?? '') !== known) location.reload();
    }, 3000);
  </script>`;
  return page('Mailbox', body);
}

/** One message: HTML in a frame that can run and load nothing, and the text. */
export function messagePage(message: StoredMessage): string {
  const path = `/messages/${encodeURIComponent(message.id)}`;
  const attachments = message.attachments.map(
    (part) => `${escape(part.filename)} (${escape(part.mime_type)}, ${part.size} bytes)`,
  );
  const rows: [string, string][] = [
    ['From', escape(message.from)],
    ['To', escape(message.to.join(', '))],
    ['Received', `<time datetime="${escape(message.received_at)}">${escape(message.received_at)}</time>`],
  ];
  if (attachments.length > 0) rows.push(['Attachments', attachments.join('<br>')]);
  const html = message.html
    ? `<h2 class="quiet">HTML</h2><iframe title="Message as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" src="${path}/html"></iframe>`
    : '';
  const body = `
  <p><a href="/">← Mailbox</a></p>
  <main>
    <h1>${escape(message.subject || '(no subject)')}</h1>
    <dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('')}</dl>
    ${html}
    <h2 class="quiet">Text</h2><pre>${escape(message.text || '(no text part)')}</pre>
    <p><a href="${path}/raw">Raw message</a></p>
  </main>`;
  return page(message.subject || 'Message', body);
}

/** The message's own HTML; links open outside the frame. */
export function messageHtml(message: StoredMessage): string {
  return `<!doctype html><meta charset="utf-8"><base target="_blank">${message.html ?? ''}`;
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${escape(title)} · Sandbox mailbox</title>
  <style>${STYLE}</style>
</head>
<body>${body}</body>
</html>`;
}

function shortTime(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}

function escape(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] as string);
}
