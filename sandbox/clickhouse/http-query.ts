/** Translates ClickHouse's HTTP interface into statements for the engine (clickhouse.com/docs/interfaces/http). */
import type { EngineQuery } from './engine';

/** Parameters of the HTTP interface itself; every other one is a setting of the query. */
const NOT_SETTINGS = new Set([
  'query',
  'database',
  'default_format',
  'query_id',
  'session_id',
  'session_timeout',
  'session_check',
  'wait_end_of_query',
  'buffer_size',
  'compress',
  'decompress',
  'enable_http_compression',
  'user',
  'password',
  'quota_key',
  'role',
  'stacktrace',
  'close_session',
  'client_protocol_version',
]);

const CONTENT_TYPES: Record<string, string> = {
  JSON: 'application/json; charset=UTF-8',
  JSONCompact: 'application/json; charset=UTF-8',
  JSONEachRow: 'application/x-ndjson; charset=UTF-8',
  JSONCompactEachRow: 'application/x-ndjson; charset=UTF-8',
  CSV: 'text/csv; charset=UTF-8; header=absent',
  CSVWithNames: 'text/csv; charset=UTF-8; header=present',
  TabSeparated: 'text/tab-separated-values; charset=UTF-8',
};

/** Codes that ClickHouse's own server answers with something else than 500 (HTTPHandler.cpp). */
const HTTP_STATUS: Record<number, number> = {
  6: 400, 26: 400, 27: 400, 38: 400, 41: 400, 42: 400, 43: 400, 50: 400, 53: 400, 62: 400, 72: 400, 115: 404,
  16: 404, 36: 400, 46: 404, 47: 404, 60: 404, 63: 404, 81: 404, 83: 404, 159: 408, 164: 403, 306: 413, 497: 403,
}; // prettier-ignore

/**
 * Makes the engine's query from the request's parameters and body. The query stands in the URL, in the body,
 * or begins in the URL and goes on in the body (inserts).
 */
export function engineQuery(
  parameters: URLSearchParams,
  header: string | undefined,
  body: string,
): EngineQuery {
  const inUrl = parameters.get('query') ?? '';
  const setup: string[] = [];
  const cleanup: string[] = [];
  const database = parameters.get('database');
  if (database && database !== 'default') {
    setup.push(`USE ${identifier(database)}`);
    cleanup.push('USE default');
  }
  for (const [name, value] of parameters) {
    if (name.startsWith('param_')) setup.push(`SET ${identifier(name)} = ${literal(value)}`);
    else if (!NOT_SETTINGS.has(name)) {
      setup.push(`SET ${identifier(name)} = ${literal(value)}`);
      cleanup.push(`SET ${identifier(name)} = DEFAULT`);
    }
  }
  const sql = inUrl && body ? `${inUrl}\n${body}` : inUrl || body;
  return { setup, sql, format: parameters.get('default_format') ?? header ?? 'TabSeparated', cleanup };
}

/** The format an answer is in: the query's own FORMAT, else the default. */
export function answerFormat(query: EngineQuery): string {
  return /\bFORMAT\s+(\w+)\s*;?\s*(SETTINGS[\s\S]*)?$/i.exec(query.sql)?.[1] ?? query.format;
}

export function contentType(format: string): string {
  return CONTENT_TYPES[format] ?? 'text/plain; charset=UTF-8';
}

export function httpStatus(code: number): number {
  return HTTP_STATUS[code] ?? 500;
}

/** Settings and parameters come from the caller: as identifiers they may hold nothing but word characters. */
function identifier(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

function literal(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
