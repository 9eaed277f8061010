import type { OpenAPIObject } from '@nestjs/swagger';
import { METHODS } from './operations';

type Node = Record<string, unknown>;

/** Fields whose numbers may have a fraction; all other numbers of the API are whole (spec 00). */
const FRACTIONS = /(^|_)percent$/;
/** What an answer is called that nobody described. */
const OUTCOMES: Record<string, string> = { 200: 'OK.', 201: 'Made.', 202: 'Begun.' };
const PLACES = ['path', 'query', 'header'];

/** How fields that hold a time are named, everywhere. */
const TIMES = /_at$|_until$|^(current_period_|trial_)(start|end)$/;

/**
 * Brings what Swagger derives from the code into the API's own terms, and everything into an order that
 * depends on nothing but the document: the compiler lists the members of a union by when it met them first.
 */
export function tidy(document: OpenAPIObject): OpenAPIObject {
  for (const item of Object.values(document.paths))
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      const { summary, description } = titleOf(operation.summary ?? '');
      operation.summary = summary;
      operation.description = [description, operation.description].filter(Boolean).join('\n\n') || undefined;
      operation.parameters = byPlace(operation.parameters ?? []);
      for (const [status, response] of Object.entries(operation.responses))
        if (response && 'description' in response) response.description ||= OUTCOMES[status] ?? '';
    }
  tidyNode(document as unknown as Node, '');
  document.paths = sorted(document.paths);
  document.components!.schemas = sorted(document.components!.schemas!);
  // As it will be read: without what JSON leaves out.
  return JSON.parse(JSON.stringify(document)) as OpenAPIObject;
}

/** A doc comment's first sentence names the operation; the rest describes it. */
function titleOf(comment: string): { summary: string; description: string } {
  const text = comment.replaceAll(/\s+/g, ' ').trim();
  const end = /[.!?](?=\s+[A-Z0-9`])/.exec(text)?.index ?? text.length;
  return { summary: text.slice(0, end).replace(/\.$/, ''), description: text.slice(end + 1).trim() };
}

/** In the order of the URL, then the headers. */
function byPlace<Parameter extends object>(parameters: Parameter[]): Parameter[] {
  const place = (parameter: Parameter): number =>
    'in' in parameter ? PLACES.indexOf(String(parameter.in)) : PLACES.length;
  return [...parameters].sort((a, b) => place(a) - place(b));
}

function tidyNode(node: Node, name: string): void {
  if (node['type'] === 'number' && !FRACTIONS.test(name)) node['type'] = 'integer';
  if (node['type'] === 'string' && TIMES.test(name)) node['format'] ??= 'date-time';
  if (Array.isArray(node['enum'])) {
    const mayBeNull = node['nullable'] === true && !node['enum'].includes(null);
    node['enum'] = ordered(mayBeNull ? [...(node['enum'] as unknown[]), null] : node['enum']);
  }
  if (typeof node['description'] === 'string')
    node['description'] = node['description'].replaceAll(/([^\n])\n(?![\n-])/g, '$1 ');
  for (const [key, value] of Object.entries(node)) {
    if (typeof value !== 'object' || value === null || key === 'example' || key === 'examples') continue;
    // A query parameter's schema goes by the parameter's name.
    const child = key === 'schema' && typeof node['name'] === 'string' ? node['name'] : key;
    tidyNode(value as Node, child);
  }
}

/** Strings by code unit, null last. */
function ordered(values: unknown[]): unknown[] {
  return [...values].sort(
    (a, b) => Number(a === null) - Number(b === null) || (String(a) < String(b) ? -1 : 1),
  );
}

function sorted<Value>(record: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
