/** Reads what a request to one of the sandbox's own pages carries, and answers in JSON. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request that makes no sense; the message is the answer, with status 400. */
export class BadRequest extends Error {}

/**
 * The JSON object in the body; an empty body is an empty object.
 * @throws BadRequest when it is anything else, or larger than 1 MiB
 */
export async function readJsonObject(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > 1024 * 1024) throw new BadRequest('The body is larger than 1 MiB.');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8').trim();
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadRequest('The body is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadRequest('The body must be a JSON object.');
  return value as Record<string, unknown>;
}

/** Refuses fields nobody would look at: a misspelt switch must not pass silently. */
export function onlyFields(body: Record<string, unknown>, known: readonly string[]): void {
  const unknown = Object.keys(body).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new BadRequest(`Unknown: ${unknown.join(', ')}. Known: ${known.join(', ')}.`);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
    .end(`${JSON.stringify(value, null, 2)}\n`);
}

/** Answers an error: 400 with its words for {@link BadRequest}, else 500. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const status = error instanceof BadRequest ? 400 : 500;
  sendJson(response, status, { error: error instanceof Error ? error.message : String(error) });
}
