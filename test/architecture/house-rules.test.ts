import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { AUDIT_ACTIONS } from '../../src/contracts/audit';
import { ERRORS } from '../../src/contracts/errors';
import { EVENT_TYPES } from '../../src/contracts/events';
import { JOBS, QUEUES } from '../../src/contracts/jobs';
import { KEY_KINDS, SCOPES, scopesOf } from '../../src/contracts/permissions';
import { decoratorsOf, literalsOf, ROOT, sourcesIn, walk, type SourceFile } from './source';

/** The rules of the house that no compiler checks. */
const sources = sourcesIn('src');
const rooms = sources.filter((source) => !source.path.startsWith('src/contracts/'));

/** Where a name of a contract page is written. */
function isWritten(name: string): boolean {
  return rooms.some((source) => literals.get(source)!.has(name));
}
const literals = new Map<SourceFile, Set<string>>(rooms.map((source) => [source, literalsOf(source)]));

const where = (source: SourceFile, node: ts.Node): string =>
  `${source.path}:${source.tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;

function places(
  folder: readonly SourceFile[],
  find: (node: ts.Node, source: SourceFile) => boolean,
): string[] {
  const found: string[] = [];
  for (const source of folder)
    walk(source.tree, (node) => {
      if (find(node, source)) found.push(where(source, node));
    });
  return found;
}

/** POST routes that take no Idempotency-Key, each with its reason. */
const WITHOUT_IDEMPOTENCY: Record<string, string> = {
  StripeEventsController: "Stripe's event id is the key",
  SandboxClockController: 'sending it again moves time again; it exists in the sandbox only',
  LimitChecksController: 'questions, which change nothing',
  UsageEventsController: 'events carry their own ids; increment and decrement take a key',
};

/**
 * On the contract pages, and written nowhere yet: promised by the pages of design and spec, brought by a later
 * room. A line leaves this list with the room that uses it.
 */
const PROMISED = {
  errors: [
    'invalid_sort',
    'reauthentication_required',
    'trial_expired',
    'tenant_suspended',
    'webhook_url_blocked',
    'tenant_locked',
    'not_configured',
  ],
  audit: ['STRIPE_EVENT_RETRIED', 'SANDBOX_CLOCK_MOVED'],
  events: [] as string[],
  scopes: ['admin:stripe'],
};

it('imports go down the house only (dependency-cruiser)', async () => {
  const cruise = join(ROOT, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const run = promisify(execFile)(
    process.execPath,
    [cruise, '--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'src', 'sandbox'],
    { cwd: ROOT },
  );
  await expect(run).resolves.toMatchObject({ stdout: expect.stringContaining('no dependency violations') });
  // A program of its own that reads every file: slow where something else runs.
}, 120_000);

describe('controllers', () => {
  const controllers = sources.filter((source) => source.path.endsWith('.controller.ts'));
  const VERBS = ['Get', 'Post', 'Put', 'Patch', 'Delete', 'Head', 'Options', 'All'];

  it('say of every POST that it is idempotent, or are on the written list', () => {
    const without = new Set<string>();
    for (const source of controllers)
      walk(source.tree, (node) => {
        if (!ts.isMethodDeclaration(node)) return;
        const decorators = decoratorsOf(node);
        if (decorators.has('Post') && !decorators.has('Idempotent'))
          without.add((node.parent as ts.ClassDeclaration).name!.text);
      });
    expect([...without].sort()).toEqual(Object.keys(WITHOUT_IDEMPOTENCY).sort());
  });

  it('say of every route who may call it, once', () => {
    const wrong: string[] = [];
    let routes = 0;
    for (const source of controllers)
      walk(source.tree, (node) => {
        if (!ts.isMethodDeclaration(node)) return;
        const decorators = decoratorsOf(node);
        if (!VERBS.some((verb) => decorators.has(verb))) return;
        routes++;
        const rules = ['Access', 'OptionalAccess', 'Public'].filter((rule) => decorators.has(rule));
        if (rules.length !== 1 || decorators.has('All')) wrong.push(where(source, node));
      });
    expect(wrong).toEqual([]);
    expect(routes).toBeGreaterThan(20);
  });

  it("use scopes of the page, and operators' paths the operators' scopes", () => {
    const wrong: string[] = [];
    for (const source of controllers)
      walk(source.tree, (node) => {
        if (!ts.isClassDeclaration(node)) return;
        const isOperators = decoratorsOf(node).get('Controller')?.[0]?.startsWith("'v1/admin") ?? false;
        for (const member of node.members) {
          const decorators = decoratorsOf(member);
          const [scope] = decorators.get('Access') ?? decorators.get('OptionalAccess') ?? [];
          if (scope === undefined) continue;
          const name = scope.slice(1, -1);
          if (!(name in SCOPES) || (isOperators && !name.startsWith('admin:')))
            wrong.push(where(source, member));
        }
      });
    expect(wrong).toEqual([]);
  });
});

describe('the contract pages', () => {
  it('have error codes in snake_case, each used or promised', () => {
    const codes = Object.keys(ERRORS);
    expect(codes.filter((code) => !/^[a-z]+(_[a-z]+)*$/.test(code))).toEqual([]);
    expect(codes.filter((code) => !isWritten(code)).sort()).toEqual(PROMISED.errors.toSorted());
  });

  it('have audit actions in CAPITALS, each used or promised', () => {
    expect(AUDIT_ACTIONS.filter((action) => !/^[A-Z]+(_[A-Z]+)*$/.test(action))).toEqual([]);
    expect(AUDIT_ACTIONS.filter((action) => !isWritten(action)).sort()).toEqual(PROMISED.audit.toSorted());
  });

  it('have events as thing.happened, each used or promised', () => {
    expect(EVENT_TYPES.filter((type) => !/^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$/.test(type))).toEqual([]);
    // `api_key.${what}` writes every event of that thing.
    const isTold = (type: string): boolean => isWritten(type) || isWritten(`${type.split('.')[0]}.\${`);
    expect(EVENT_TYPES.filter((type) => !isTold(type)).sort()).toEqual(PROMISED.events.toSorted());
  });

  it('have scopes that some kind of key may hold and some route asks for', () => {
    expect(
      Object.keys(SCOPES)
        .filter((scope) => !isWritten(scope))
        .sort(),
    ).toEqual(PROMISED.scopes.toSorted());
    for (const scope of Object.keys(SCOPES))
      expect(KEY_KINDS.some((kind) => (scopesOf(kind) as string[]).includes(scope))).toBe(true);
    for (const kind of ['service', 'tenant'] as const)
      expect(scopesOf(kind).filter((scope) => scope.startsWith('admin:'))).toEqual([]);
  });

  it('have jobs of which each has one handler and a queue that is used', () => {
    const handlers: string[] = [];
    for (const source of rooms)
      walk(source.tree, (node) => {
        if (!ts.isMethodDeclaration(node)) return;
        const [name] = decoratorsOf(node).get('OnJob') ?? [];
        if (name) handlers.push(name.slice(1, -1));
      });
    expect(handlers.sort()).toEqual(Object.keys(JOBS).sort());
    expect([...new Set(Object.values(JOBS).map((job) => job.queue))].sort()).toEqual([...QUEUES].sort());
  });

  it('import nothing but each other', () => {
    const pages = sources.filter((source) => source.path.startsWith('src/contracts/'));
    const outside = places(
      pages,
      (node) =>
        ts.isImportDeclaration(node) && !(node.moduleSpecifier as ts.StringLiteral).text.startsWith('./'),
    );
    expect(outside).toEqual([]);
  });
});

describe('the code', () => {
  it('reads the environment in one place', () => {
    const readers = places(
      sources,
      (node) => ts.isPropertyAccessExpression(node) && node.getText() === 'process.env',
    );
    expect(readers.filter((place) => !place.startsWith('src/platform/config/env.ts'))).toEqual([]);
    expect(readers.length).toBeGreaterThan(0);
  });

  it('takes the time from the clock', () => {
    const readers = places(
      sources,
      (node) =>
        (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) ||
        (ts.isCallExpression(node) && node.expression.getText() === 'Date.now'),
    );
    expect(
      readers.filter((place) => !/^src\/platform\/(clock|database\/clock-sync)\.ts/.test(place)),
    ).toEqual([]);
  });

  it('says AcrossTenants in the name of every repository method that sees all tenants', () => {
    const silent: string[] = [];
    for (const source of sources.filter((one) => one.path.endsWith('.repository.ts')))
      walk(source.tree, (node) => {
        if (!ts.isCallExpression(node) || !/\.acrossTenants$/.test(node.expression.getText())) return;
        let method: ts.Node = node;
        while (!ts.isMethodDeclaration(method) && method.parent) method = method.parent;
        const name = ts.isMethodDeclaration(method) ? method.name.getText() : '';
        if (!/AcrossTenants$/.test(name)) silent.push(`${where(source, node)} ${name}`);
      });
    expect(silent).toEqual([]);
  });

  it('never calls Stripe, mail, SNS or Redis from a transactional method of the same class', () => {
    const NETWORK =
      /^this\.(stripe|gateway|billing|catalogGateway|discounts|mailer|publisher|sns|redis)\.\w+$/;
    const inside = places(sources, (node) => {
      if (!ts.isCallExpression(node) || !NETWORK.test(node.expression.getText())) return false;
      let method: ts.Node = node;
      while (!ts.isMethodDeclaration(method) && method.parent) method = method.parent;
      return decoratorsOf(method).has('Transactional');
    });
    expect(inside).toEqual([]);
  });

  it('sends SQL with parameters only', () => {
    const QUERY = /\.(query|sql|where|andWhere|orWhere|having|orderBy|addOrderBy|addSelect|execute)$/;
    // A constant in CAPITALS is text of ours, written in the same file.
    const isPasted = (text: ts.Expression): boolean =>
      ts.isTemplateExpression(text)
        ? text.templateSpans.some((span) => !/^[A-Z][A-Z_]+$/.test(span.expression.getText()))
        : ts.isBinaryExpression(text);
    const pasted = places(
      sources.filter((source) => source.path !== 'src/platform/database/migrate.ts'),
      (node) =>
        ts.isCallExpression(node) &&
        QUERY.test(node.expression.getText()) &&
        node.arguments[0] !== undefined &&
        isPasted(node.arguments[0]),
    );
    expect(pasted).toEqual([]);
  });

  it('sets the tenant of a transaction in one place, for the transaction only, by parameter (S-05)', () => {
    const setters = sources.filter((source) =>
      /set_config|set\s+(local\s+)?app\.tenant_id/i.test(source.text),
    );
    expect(setters.map((source) => source.path)).toEqual(['src/platform/database/database.ts']);
    expect(setters[0]!.text).toContain("set_config('app.tenant_id', $1, true)");
  });

  it('never turns TLS verification off, and evaluates no text as code', () => {
    expect(
      places(
        sources,
        (node) => /^rejectUnauthorized$/.test(node.getText()) && ts.isPropertyAssignment(node.parent),
      ),
    ).toEqual([]);
    expect(
      places(
        sources,
        (node) =>
          (ts.isCallExpression(node) && node.expression.getText() === 'eval') ||
          (ts.isNewExpression(node) && node.expression.getText() === 'Function'),
      ),
    ).toEqual([]);
  });

  it('has files of one purpose: under 450 lines, no utils, no index, nothing left open', () => {
    const all = [...sources, ...sourcesIn('sandbox'), ...sourcesIn('migrations')];
    expect(all.filter((source) => source.text.split('\n').length > 450).map((source) => source.path)).toEqual(
      [],
    );
    expect(
      all
        .filter(({ path }) => /\/(utils?|helpers?|constants|common)\/|\/index\.ts$/.test(path))
        .map(({ path }) => path),
    ).toEqual([]);
    expect(
      all
        .filter((source) => /\b(TODO|FIXME|XXX|@ts-ignore|@ts-nocheck)\b/.test(source.text))
        .map(({ path }) => path),
    ).toEqual([]);
  });
});

it('the typed configuration is strict', () => {
  const { config } = ts.parseConfigFileTextToJson(
    'tsconfig.json',
    readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'),
  );
  expect(config.compilerOptions).toMatchObject({ strict: true, noUncheckedIndexedAccess: true });
});
