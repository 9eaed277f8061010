/** ClickHouse's HTTP interface over the in-process engine, so that `@clickhouse/client` works unchanged. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { listenLocally, type LocalServer } from '../local-server';
import { ClickhouseEngine, EngineError } from './engine';
import { answerFormat, contentType, engineQuery, httpStatus } from './http-query';

/** The largest request taken, in bytes; the service's batches are far smaller. */
const MAX_BODY = 256 * 1024 * 1024;

export interface ClickhouseOptions {
  /** Folder for the data. */
  readonly dir: string;
  /** Port on 127.0.0.1; any free one when left out. */
  readonly port?: number;
}

/**
 * Starts the front. `/ping` answers at once; the engine is fetched and started with the first query.
 */
export async function startClickhouseFront(options: ClickhouseOptions): Promise<LocalServer> {
  const engine = new ClickhouseEngine(options.dir);
  const server = createServer((request, response) => {
    answer(engine, request, response).catch((error: unknown) => refuse(response, error));
  });
  const local = await listenLocally(server, options.port);
  return {
    ...local,
    stop: async () => {
      await local.stop();
      await engine.stop();
    },
  };
}

async function answer(
  engine: ClickhouseEngine,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://clickhouse');
  if (url.pathname === '/ping') return void response.end('Ok.\n');
  if (url.pathname !== '/') return void response.writeHead(404).end(`There is no handle ${url.pathname}\n`);
  const body = await readBody(request);
  const format = request.headers['x-clickhouse-format'];
  const query = engineQuery(url.searchParams, Array.isArray(format) ? format[0] : format, body);
  if (query.sql.trim() === '') return void response.end('Ok.\n');

  response.setHeader('X-ClickHouse-Query-Id', url.searchParams.get('query_id') ?? randomUUID());
  const result = await engine.query(query);
  const answered = answerFormat(query);
  response.setHeader('X-ClickHouse-Format', answered);
  response.setHeader('Content-Type', contentType(answered));
  response.setHeader(
    'X-ClickHouse-Summary',
    JSON.stringify({
      read_rows: String(result.rowsRead),
      elapsed_ns: String(Math.round(result.elapsed * 1e9)),
    }),
  );
  response.end(result.body);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new EngineError(306, 'Code: 306. DB::Exception: Request is too large.');
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8');
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const code = error instanceof EngineError ? error.code : 1002;
  const message = error instanceof Error ? error.message : String(error);
  const text = message.startsWith('Code:')
    ? message
    : `Code: ${code}. DB::Exception: ${message} (UNKNOWN_EXCEPTION)`;
  response
    .writeHead(httpStatus(code), {
      'X-ClickHouse-Exception-Code': String(code),
      'Content-Type': 'text/plain; charset=UTF-8',
    })
    .end(`${text.trim()}\n`);
}
