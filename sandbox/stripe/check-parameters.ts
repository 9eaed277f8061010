import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { invalidRequest, parameterMissing, parameterUnknown } from './errors';
import type { Form, FormValue } from './form';
import type { JsonSchema } from './schema/type-schema';

interface ParameterTrees {
  operations: Record<string, JsonSchema>;
  definitions: Record<string, JsonSchema>;
}

const trees = JSON.parse(
  readFileSync(join(__dirname, 'parameters.generated.json'), 'utf8'),
) as ParameterTrees;

// The only parameters of the covered operations that take a fraction; all other numbers are whole.
const FRACTIONS = /(percent|percent_off|height|length|weight|width)$/;

/**
 * Checks a request against the parameter tree of its operation and turns texts into numbers, booleans and lists.
 * @throws StripeApiError 400 `parameter_unknown`, `parameter_missing`, `parameter_invalid_integer` …, as Stripe does.
 */
export function checkParameters(operation: string, form: Form): Record<string, unknown> {
  const tree = trees.operations[operation];
  if (!tree) throw new Error(`No parameter tree for ${operation}: run generate-parameters.ts`);
  return read(tree, form, '') as Record<string, unknown>;
}

function read(schema: JsonSchema, value: FormValue, path: string): unknown {
  const node = resolve(schema);
  if (node.anyOf) return readOneOf(node.anyOf, value, path);
  if (node.enum) return readEnum(node.enum, value, path);
  if (node.const !== undefined) return readEnum([node.const as string], value, path);
  switch (node.type) {
    case 'object':
      return readObject(node, value, path);
    case 'array':
      return readArray(node, value, path);
    case 'number':
      return readNumber(value, path);
    case 'boolean':
      if (value === 'true' || value === 'false') return value === 'true';
      throw invalidRequest(`Invalid boolean: ${shown(value)}`, path);
    default:
      return readText(node, value, path);
  }
}

function resolve(schema: JsonSchema): JsonSchema {
  if (!schema.$ref) return schema;
  const definition = trees.definitions[schema.$ref.slice('#/definitions/'.length)];
  if (!definition) throw new Error(`Broken parameter tree: ${schema.$ref}`);
  return resolve(definition);
}

function readOneOf(options: JsonSchema[], value: FormValue, path: string): unknown {
  const nodes = options.map(resolve);
  if (value === '' && nodes.some((node) => node.type === 'null' || node.enum?.includes(''))) return '';
  const usable = nodes.filter(
    (node) => node.type !== 'null' && !(node.enum?.length === 1 && node.enum[0] === ''),
  );
  const grouped = typeof value === 'object';
  const fitting = usable.filter((node) => (node.type === 'object' || node.type === 'array') === grouped);
  const candidates = fitting.length > 0 ? fitting : usable;
  let refusal: unknown;
  for (const node of candidates) {
    try {
      return read(node, value, path);
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal;
}

function readEnum(members: (string | number)[], value: FormValue, path: string): string {
  if (typeof value === 'string' && members.includes(value)) return value;
  const known = members.filter((member) => member !== '');
  const list = known.length > 1 ? `${known.slice(0, -1).join(', ')}, or ${known.at(-1)}` : known.join('');
  throw invalidRequest(`Invalid ${path}: must be one of ${list}`, path);
}

function readObject(node: JsonSchema, value: FormValue, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || Array.isArray(value)) throw invalidRequest(`Invalid object`, path);
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const at = path === '' ? key : `${path}[${key}]`;
    const property = node.properties && Object.hasOwn(node.properties, key) ? node.properties[key] : null;
    if (property) result[key] = read(property, inner, at);
    else if (typeof node.additionalProperties === 'object')
      result[key] = read(node.additionalProperties, inner, at);
    else throw parameterUnknown(at);
  }
  for (const required of node.required ?? []) {
    if (!(required in result)) throw parameterMissing(path === '' ? required : `${path}[${required}]`);
  }
  return result;
}

function readArray(node: JsonSchema, value: FormValue, path: string): unknown[] {
  if (typeof value !== 'object' || Array.isArray(value)) throw invalidRequest('Invalid array', path);
  const keys = Object.keys(value);
  if (keys.some((key) => !/^\d+$/.test(key))) throw invalidRequest('Invalid array', path);
  return keys
    .sort((a, b) => Number(a) - Number(b))
    .map((key) => read(node.items ?? {}, value[key] as FormValue, `${path}[${key}]`));
}

function readNumber(value: FormValue, path: string): number {
  const fraction = FRACTIONS.test(path.replace(/\]$/, ''));
  const pattern = fraction ? /^-?\d+(\.\d+)?$/ : /^-?\d+$/;
  if (typeof value !== 'string' || !pattern.test(value) || !Number.isSafeInteger(Math.trunc(Number(value)))) {
    const [kind, code] = fraction
      ? ['decimal', 'parameter_invalid_decimal']
      : ['integer', 'parameter_invalid_integer'];
    throw invalidRequest(`Invalid ${kind}: ${shown(value)}`, path, code);
  }
  return Number(value);
}

function readText(node: JsonSchema, value: FormValue, path: string): string {
  if (typeof value !== 'string') throw invalidRequest('Invalid string', path);
  if (value === '') {
    throw invalidRequest(
      `You passed an empty string for '${path}'. We assume empty values are an attempt to unset a parameter; however '${path}' cannot be unset. You should remove '${path}' from your request or supply a non-empty value.`,
      path,
      'parameter_invalid_empty',
    );
  }
  if (node.format === 'decimal' && !/^-?\d+(\.\d{1,12})?$/.test(value)) {
    throw invalidRequest(`Invalid decimal: ${value}; must contain at maximum twelve decimal places.`, path);
  }
  return value;
}

function shown(value: FormValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
