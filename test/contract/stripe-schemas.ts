import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';
import { schemasFromInterface, type SchemaBook } from '../../sandbox/stripe/schema/type-schema';

/**
 * JSON Schemas of Stripe's own types, made from the installed `stripe` package and kept in `node_modules/.cache`.
 *
 * Objects: read with the compiler (strict enums, nothing optional that is not, no unknown field).
 * Requests: made with `ts-json-schema-generator`, a second opinion beside the sandbox's own parameter trees.
 */
const ROOT = resolve(__dirname, '../..');
const OPERATIONS = join(ROOT, 'sandbox/stripe/operations.ts');
const CACHE = join(ROOT, 'node_modules/.cache/stripe-schemas');

function cached<T>(name: string, make: () => T): T {
  const version = readFileSync(join(ROOT, 'node_modules/stripe/VERSION'), 'utf8').trim();
  const stamp = createHash('sha256')
    .update(readFileSync(OPERATIONS))
    .update(readFileSync(join(ROOT, 'sandbox/stripe/schema/type-schema.ts')))
    .update(readFileSync(__filename))
    .digest('hex')
    .slice(0, 12);
  const file = join(CACHE, `${name}-${version}-${stamp}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as T;
  mkdirSync(CACHE, { recursive: true });
  const made = make();
  // Two Jest workers may generate at once; a rename keeps either from reading half a file.
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(made));
  renameSync(`${file}.${process.pid}`, file);
  return made;
}

/** All objects the sandbox answers with. Objects it never answers in full are refused where only an id may stand. */
function objectBook(): SchemaBook {
  const names = [
    ...readFileSync(OPERATIONS, 'utf8')
      .split('ReturnedObjects')[1]!
      .matchAll(/^ {2}'?([\w.]+)'?: Stripe/gm),
  ];
  const knownObjects = new Set(
    names.map(([, name]) => (name as string).replace('deleted_', '')).concat('plan'),
  );
  return cached('objects', () =>
    schemasFromInterface(OPERATIONS, 'ReturnedObjects', { knownObjects, openTypes: EVENT_DATA }),
  );
}

// An event's object is looked at by its own type; what it was before is a part of that.
const EVENT_DATA = new Set(['Event.Data.Object', 'Event.Data.PreviousAttributes']);

interface RequestSchemas {
  /** Root definition of each operation. */
  roots: Record<string, string>;
  definitions: Record<string, object>;
}

function requestSchemas(): RequestSchemas {
  return cached('requests', () => {
    const source = readFileSync(OPERATIONS, 'utf8').split('export type Operation')[0] as string;
    const operations = [...source.matchAll(/'([A-Z]+ \/v1\/[^']+)': (Stripe\.[\w.]+);/g)];
    const folder = mkdtempSync(join(CACHE, 'aliases-'));
    const path = join(folder, 'aliases.ts');
    const tsconfig = join(folder, 'tsconfig.json');
    const aliases = operations.map(([, , type], index) => `export type Request${index} = ${type};`);
    writeFileSync(path, `import type Stripe from 'stripe';\n${aliases.join('\n')}\n`);
    // A configuration of its own: the project's would load the whole project.
    const compilerOptions = {
      module: 'node16',
      moduleResolution: 'node16',
      strict: true,
      skipLibCheck: true,
      types: [],
    };
    writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files: ['aliases.ts'] }));
    const generator = createGenerator({
      path,
      tsconfig,
      skipTypeCheck: true,
      jsDoc: 'none',
      additionalProperties: false,
    });
    const definitions = { ...generator.createSchema('*').definitions } as Record<string, object>;
    // `Decimal` is a class to the SDK and a text on the wire.
    definitions.Decimal = { type: 'string' };
    rmSync(folder, { recursive: true });
    const roots = operations.map(([, operation], index) => [operation as string, `Request${index}`]);
    return { roots: Object.fromEntries(roots) as Record<string, string>, definitions };
  });
}

// The schemas are our own making: checking them against the meta schema would cost seconds per test file.
const ajv = new Ajv({ strict: false, validateSchema: false, formats: { decimal: /^-?\d+(\.\d{1,12})?$/ } });
const compiled = new Map<string, ValidateFunction>();
let book: SchemaBook | null = null;
let requests: RequestSchemas | null = null;

function objectValidator(name: string): ValidateFunction | null {
  book ??= objectBook();
  const known = compiled.get(name);
  if (known) return known;
  const root = book.roots[name];
  if (!root) return null;
  if (compiled.size === 0) ajv.addSchema({ $id: 'stripe', definitions: book.definitions });
  const validate = ajv.compile({ $ref: `stripe${root.$ref}` });
  compiled.set(name, validate);
  return validate;
}

/** What is wrong with an object by Stripe's own types; empty when nothing is. Lists and events are looked into. */
export function objectProblems(value: unknown): string[] {
  const object = value as { object?: string; deleted?: boolean; data?: unknown };
  if (object.object === 'list') return listProblems(value as Record<string, unknown>);
  const name = object.deleted ? `deleted_${object.object}` : String(object.object);
  const validate = objectValidator(name);
  if (!validate) return [`the sandbox declares no object "${name}" (operations.ts, ReturnedObjects)`];
  const problems = validate(value)
    ? []
    : (validate.errors ?? []).map(
        (error) => `${name}${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
      );
  if (object.object !== 'event') return problems;
  return [...problems, ...objectProblems((object.data as { object: unknown }).object)];
}

function listProblems(list: Record<string, unknown>): string[] {
  const keys = Object.keys(list).sort().join();
  if (keys !== 'data,has_more,object,url') return [`a list with the members ${keys}`];
  if (typeof list.has_more !== 'boolean' || !Array.isArray(list.data))
    return ['a list without data or has_more'];
  return list.data.flatMap(objectProblems);
}

const requestAjv = new Ajv({ strict: false, validateSchema: false });
const requestValidators = new Map<string, ValidateFunction>();

/** What is wrong with the parameters of an operation by Stripe's own types. */
export function requestProblems(operation: string, parameters: unknown): string[] {
  if (!requests) {
    requests = requestSchemas();
    requestAjv.addSchema({ $id: 'requests', definitions: requests.definitions });
  }
  const root = requests.roots[operation];
  if (!root) return [`no such operation: ${operation}`];
  let validate = requestValidators.get(operation);
  if (!validate) {
    validate = requestAjv.compile({ $ref: `requests#/definitions/${root}` });
    requestValidators.set(operation, validate);
  }
  return validate(parameters)
    ? []
    : (validate.errors ?? []).map((error) => `${operation} ${error.instancePath} ${error.message}`);
}

/** The operations for which a request schema could be made. */
export function describedOperations(): string[] {
  return Object.keys(requestSchemas().roots);
}
