import ts from 'typescript';
import { dirname, resolve } from 'node:path';

/** The part of JSON Schema that Stripe's declarations need. */
export interface JsonSchema {
  $ref?: string;
  type?: string;
  const?: string | number | boolean;
  enum?: (string | number)[];
  format?: string;
  anyOf?: JsonSchema[];
  not?: Record<string, never>;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
}

export interface SchemaBook {
  definitions: Record<string, JsonSchema>;
  roots: Record<string, JsonSchema>;
}

export interface SchemaOptions {
  /** The API objects that may appear in full; any other is refused where only its id is expected. */
  knownObjects?: ReadonlySet<string>;
  /** Names of types that stand for "any object" although they are written as empty ones. */
  openTypes?: ReadonlySet<string>;
}

/**
 * Turns the members of one exported interface into JSON Schemas, one root per member.
 *
 * The usual generators lose what matters here: `OtherString` opens every enum to any string, and Stripe's
 * many nested `Card` interfaces collide by name. Reading the checker's own types keeps both.
 * @param file TypeScript file that declares the interface.
 * @param interfaceName Exported interface whose members are the roots.
 */
export function schemasFromInterface(
  file: string,
  interfaceName: string,
  options: SchemaOptions = {},
): SchemaBook {
  const program = ts.createProgram([resolve(file)], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: [],
    baseUrl: dirname(resolve(file)),
  });
  const source = program.getSourceFile(resolve(file));
  if (!source) throw new Error(`No such file: ${file}`);
  const declaration = source.statements.find(
    (statement): statement is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(statement) && statement.name.text === interfaceName,
  );
  if (!declaration) throw new Error(`${file} has no interface ${interfaceName}`);
  return new TypeReader(program.getTypeChecker(), options).read(declaration);
}

class TypeReader {
  private readonly names = new Map<ts.Type, string>();
  private readonly book: SchemaBook = { definitions: {}, roots: {} };

  constructor(
    private readonly checker: ts.TypeChecker,
    private readonly options: SchemaOptions,
  ) {}

  read(declaration: ts.InterfaceDeclaration): SchemaBook {
    for (const member of this.checker.getTypeAtLocation(declaration).getProperties()) {
      const type = this.checker.getTypeOfSymbolAtLocation(member, declaration);
      if (type.flags & ts.TypeFlags.Any)
        throw new Error(`${member.name}: the type does not exist in the stripe package`);
      this.book.roots[member.name] = this.schema(type, true);
    }
    return this.book;
  }

  private schema(type: ts.Type, root = false): JsonSchema {
    if (type.flags & ts.TypeFlags.StringLiteral) return { const: (type as ts.StringLiteralType).value };
    if (type.flags & ts.TypeFlags.NumberLiteral) return { const: (type as ts.NumberLiteralType).value };
    if (type.flags & ts.TypeFlags.BooleanLiteral)
      return { const: this.checker.typeToString(type) === 'true' };
    if (type.flags & ts.TypeFlags.String) return { type: 'string' };
    if (type.flags & ts.TypeFlags.Number) return { type: 'number' };
    if (type.flags & ts.TypeFlags.Boolean) return { type: 'boolean' };
    if (type.flags & ts.TypeFlags.Null) return { type: 'null' };
    if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return {};
    if (type.isUnion()) return this.union(type);
    if (type.isIntersection() && isOpenString(type)) return { type: 'string' };
    if (type.aliasSymbol?.name === 'Decimal' || type.getSymbol()?.name === 'DecimalImpl')
      return { type: 'string', format: 'decimal' };
    if (this.checker.isArrayType(type)) {
      return {
        type: 'array',
        items: this.schema(this.checker.getTypeArguments(type as ts.TypeReference)[0] as ts.Type),
      };
    }
    return this.reference(type, root);
  }

  private union(type: ts.UnionType): JsonSchema {
    const literals: (string | number)[] = [];
    const others: JsonSchema[] = [];
    const hasLiterals = type.types.some((member) => member.flags & ts.TypeFlags.StringLiteral);
    for (const member of type.types) {
      if (member.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) continue;
      if (member.isStringLiteral() || member.isNumberLiteral()) literals.push(member.value);
      // OtherString next to literals says "may grow"; what is known today is the list.
      else if (hasLiterals && member.isIntersection() && isOpenString(member)) continue;
      else if (member.flags & ts.TypeFlags.BooleanLiteral) {
        if (!others.some((other) => other.type === 'boolean')) others.push({ type: 'boolean' });
      } else others.push(this.schema(member));
    }
    const all = literals.length > 0 ? [{ enum: literals.sort() }, ...others] : others;
    return all.length === 1 ? (all[0] as JsonSchema) : { anyOf: all };
  }

  private reference(type: ts.Type, root: boolean): JsonSchema {
    const literal = this.objectLiteral(type);
    if (!root && literal && this.options.knownObjects && !this.options.knownObjects.has(literal))
      return { not: {} };
    const known = this.names.get(type);
    if (known) return { $ref: `#/definitions/${known}` };
    const name = this.freeName(type);
    this.names.set(type, name);
    this.book.definitions[name] = {};
    this.book.definitions[name] = this.options.openTypes?.has(name) ? { type: 'object' } : this.object(type);
    return { $ref: `#/definitions/${name}` };
  }

  private object(type: ts.Type): JsonSchema {
    const index = this.checker.getIndexTypeOfType(type, ts.IndexKind.String);
    const properties: Record<string, JsonSchema> = {};
    const required: string[] = [];
    for (const property of type.getProperties()) {
      const propertyType = this.checker.getTypeOfSymbol(property);
      // `deleted?: void` marks the living; on the wire it never appears.
      if (propertyType.flags & (ts.TypeFlags.Void | ts.TypeFlags.Undefined)) continue;
      if (this.isOnlyVoid(propertyType)) continue;
      properties[property.name] = this.schema(propertyType);
      if (!(property.flags & ts.SymbolFlags.Optional)) required.push(property.name);
    }
    return {
      type: 'object',
      properties,
      ...(required.length > 0 ? { required } : {}),
      additionalProperties: index ? this.schema(index) : false,
    };
  }

  private isOnlyVoid(type: ts.Type): boolean {
    return (
      type.isUnion() &&
      type.types.every((member) => member.flags & (ts.TypeFlags.Void | ts.TypeFlags.Undefined))
    );
  }

  private objectLiteral(type: ts.Type): string | null {
    const property = type.getProperty('object');
    if (!property || !type.getProperty('id')) return null;
    const propertyType = this.checker.getTypeOfSymbol(property);
    return propertyType.isStringLiteral() ? propertyType.value : null;
  }

  private freeName(type: ts.Type): string {
    const symbol = type.aliasSymbol ?? type.getSymbol();
    const full = symbol ? this.checker.getFullyQualifiedName(symbol).replace(/^".*"\./, '') : 'Anonymous';
    const base = full.replace(/[^A-Za-z0-9.]/g, '') || 'Anonymous';
    let name = base;
    for (let copy = 2; name in this.book.definitions; copy++) name = `${base}.${copy}`;
    return name;
  }
}

/** `string & Record<never, never>`, Stripe's way to say "or another text". */
function isOpenString(type: ts.IntersectionType): boolean {
  return type.types.some((member) => member.flags & ts.TypeFlags.String);
}
