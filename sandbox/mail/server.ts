/** SMTP server that delivers nothing, with a mailbox to read what would have been sent. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import { freePort } from '../ports';
import { listenLocally } from '../local-server';
import { BadRequest, onlyFields, readJsonObject, sendError, sendJson } from '../request-body';
import { listPage, messageHtml, messagePage } from './pages';
import { MessageStore, type StoredMessage } from './store';

const MAX_MESSAGE = 25 * 1024 * 1024;

export interface MailboxOptions {
  /** Folder for the messages, one .eml file each. */
  readonly dir: string;
  /** Port of the page and its JSON on 127.0.0.1; any free one when left out. */
  readonly port?: number;
  /** Port for SMTP on 127.0.0.1; any free one when left out. */
  readonly smtpPort?: number;
}

export interface Mailbox {
  readonly smtpUrl: string;
  readonly smtpPort: number;
  /** The readable page; `GET /api/messages?to=` is the same for programs. */
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

interface Faults {
  /** Refuse every message. */
  readonly reject?: boolean;
  /** With which SMTP code: 4xx asks to try again, 5xx (the default, 550) is final. */
  readonly code?: number;
}

/** Starts both servers. Rejects when one of the ports is taken. */
export async function startMailbox(options: MailboxOptions): Promise<Mailbox> {
  const store = new MessageStore(options.dir);
  let faults: Faults = {};

  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    // Whatever the service is configured to log in with is fine here.
    onAuth: (auth, _session, callback) => callback(null, { user: auth.username ?? 'anyone' }),
    size: MAX_MESSAGE,
    closeTimeout: 500,
    onMailFrom: (_address, _session, callback) =>
      callback(faults.reject ? refusal(faults.code ?? 550) : null),
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('end', () => {
        if (stream.sizeExceeded) return callback(refusal(552));
        store.add(envelopeOf(session), Buffer.concat(chunks)).then(
          (message) => callback(null, `Kept as ${message.id}`),
          (error: Error) => callback(error),
        );
      });
    },
  });
  // A client that hangs up in the middle is its own trouble.
  smtp.on('error', () => undefined);
  const smtpPort = options.smtpPort || (await freePort());
  await new Promise<void>((resolve, reject) => {
    smtp.server.once('error', reject);
    smtp.listen(smtpPort, '127.0.0.1', resolve);
  });

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => sendError(response, error));
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://mailbox');
    const filter = { to: url.searchParams.get('to'), search: url.searchParams.get('q') };
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /': {
        const nonce = randomBytes(16).toString('base64');
        const html = listPage(await store.list(filter), filter.search ?? '', nonce);
        return sendPage(response, html, `script-src 'nonce-${nonce}'; connect-src 'self'`);
      }
      case 'GET /api/messages':
        return sendJson(response, 200, { data: await store.list(filter) });
      case 'DELETE /api/messages':
        await store.clear();
        return void response.writeHead(204).end();
      case 'POST /_sandbox/faults':
        faults = faultsFrom(await readJsonObject(request));
        return sendJson(response, 200, faults);
    }
    const [, , id, view = ''] =
      /^\/(api\/messages|messages)\/([\w-]+)(?:\/(html|raw))?$/.exec(url.pathname) ?? [];
    const message = request.method === 'GET' && id ? await store.get(id) : null;
    if (!message) return sendJson(response, 404, { error: `Nothing at ${request.method} ${url.pathname}.` });
    return sendMessage(
      store,
      message,
      url.pathname.startsWith('/api/') && view === '' ? 'json' : view,
      response,
    );
  };
  const closeSmtp = () => new Promise<void>((done) => smtp.close(() => done()));
  const page = await listenLocally(server, options.port).catch(async (error: unknown) => {
    await closeSmtp();
    throw error;
  });

  return {
    smtpUrl: `smtp://127.0.0.1:${smtpPort}`,
    smtpPort,
    url: page.url,
    port: page.port,
    stop: async () => {
      await Promise.all([page.stop(), closeSmtp()]);
    },
  };
}

function refusal(responseCode: number): Error {
  return Object.assign(new Error('The sandbox refuses this message.'), { responseCode });
}

function envelopeOf(session: SMTPServerSession): { from: string; to: string[] } {
  const { mailFrom, rcptTo } = session.envelope;
  return { from: mailFrom ? mailFrom.address : '', to: rcptTo.map(({ address }) => address) };
}

function faultsFrom(body: Record<string, unknown>): Faults {
  onlyFields(body, ['reject', 'code']);
  const { reject, code } = body;
  if (reject !== undefined && typeof reject !== 'boolean')
    throw new BadRequest('reject must be true or false.');
  if (code !== undefined && !(Number.isInteger(code) && Number(code) >= 400 && Number(code) <= 599))
    throw new BadRequest('code must be 400 to 599.');
  return body as Faults;
}

async function sendMessage(
  store: MessageStore,
  message: StoredMessage,
  view: string,
  response: ServerResponse,
): Promise<void> {
  if (view === 'json') return sendJson(response, 200, message);
  if (view === 'raw') {
    response.writeHead(200, {
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    return void response.end(await store.raw(message));
  }
  // What a message brings along runs nothing and reaches nothing, opened in the frame or by itself.
  if (view === 'html') return sendPage(response, messageHtml(message), 'img-src data:; sandbox allow-popups');
  return sendPage(response, messagePage(message), "frame-src 'self'");
}

function sendPage(response: ServerResponse, html: string, policy: string): void {
  response
    .writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; ${policy}`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    .end(html);
}
