import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

export const ROOT = join(__dirname, '..', '..');

/** A file of the product, parsed. */
export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  path: string;
  text: string;
  tree: ts.SourceFile;
}

/** All TypeScript of a folder but its specs. */
export function sourcesIn(folder: string): SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(spec|d)\.ts$/.test(name))
    .map((name) => {
      const file = join(ROOT, folder, name);
      const text = readFileSync(file, 'utf8');
      const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
      return { path: relative(ROOT, file).replaceAll('\\', '/'), text, tree };
    });
}

/** Visits every node below. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

/** Names of the decorators on a method, property or class, with the text of their arguments. */
export function decoratorsOf(node: ts.Node): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const decorator of ts.canHaveDecorators(node) ? (ts.getDecorators(node) ?? []) : [])
    if (ts.isCallExpression(decorator.expression))
      found.set(
        decorator.expression.expression.getText(),
        decorator.expression.arguments.map((argument) => argument.getText()),
      );
  return found;
}

/** The text literals of a file, each once; of a template the beginning, up to its first `${`. */
export function literalsOf(source: SourceFile): Set<string> {
  const literals = new Set<string>();
  walk(source.tree, (node) => {
    if (ts.isStringLiteralLike(node)) literals.add(node.text);
    if (ts.isTemplateHead(node)) literals.add(`${node.text}\${`);
    // Objects written with the code as key, for instance tables.
    if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) literals.add(node.name.text);
  });
  return literals;
}
