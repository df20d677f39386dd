/** Reads the sources once and answers what the checks ask: imports, syntax nodes, comments. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';

export const ROOT = join(import.meta.dirname, '../..');

const SOURCES = [
  ...['{src,test,bench,scripts}/**/*.ts', 'clients/*/src/**/*.ts', 'web/src/**/*.{ts,tsx}'],
];

/** A node of the syntax tree, as far as the checks look into it. */
export type SyntaxNode = Readonly<Record<string, unknown>> & {
  readonly type: string;
  readonly start: number;
};

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

export interface Source {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  readonly nodes: readonly SyntaxNode[];
  readonly comments: readonly { readonly value: string; readonly line: number }[];
  lineAt(offset: number): number;
}

export function readSources(): Source[] {
  return globSync(SOURCES, { cwd: ROOT })
    .toSorted()
    .map((path) => parseSource(path, readFileSync(join(ROOT, path), 'utf8')));
}

export function parseSource(path: string, text: string): Source {
  const { program, module, comments, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`${path} is not TypeScript: ${errors[0].message}`);
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length;
  const requests = [
    ...module.staticImports.map((found) => found.moduleRequest),
    ...module.staticExports.flatMap((found) => found.entries.map((entry) => entry.moduleRequest)),
    ...module.dynamicImports.map((found) => found.moduleRequest),
  ].filter((request) => request !== undefined && request !== null);
  return {
    path,
    text,
    imports: requests.map(({ start, end }) => ({
      specifier: text.slice(start, end).replace(/^['"]|['"]$/g, ''),
      line: lineAt(start),
    })),
    nodes: [...walk(program)],
    comments: comments.map(({ value, start }) => ({ value, line: lineAt(start) })),
    lineAt,
  };
}

function* walk(value: unknown): Generator<SyntaxNode> {
  if (typeof value !== 'object' || value === null) return;
  if (isNode(value)) yield value;
  for (const child of Object.values(value)) yield* walk(child);
}

function isNode(value: object): value is SyntaxNode {
  return 'type' in value && typeof value.type === 'string';
}

/** `process['env']` and `globalThis.process.env` → `process.env`; undefined for anything else. */
export function dottedName(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null || !isNode(node)) return undefined;
  if (node.type === 'Identifier') return String(node['name']);
  if (node.type !== 'MemberExpression') return undefined;
  const object = dottedName(node['object']);
  const property = node['property'] as SyntaxNode;
  const key = property.type === 'Literal' ? property['value'] : property['name'];
  if (object === undefined || typeof key !== 'string') return undefined;
  return object === 'globalThis' ? key : `${object}.${key}`;
}
