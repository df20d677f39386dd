/** Who may import whom. The table is in test/tidy.test.ts; this reads sources against it. */
import { dirname, join } from 'node:path/posix';
import type { Import, Source } from './source-tree.ts';

/**
 * A folder under src/ and the folders it may import besides itself. Siblings under backends/ and
 * surfaces/ have a row each; `surfaces/*` is the row of those that have none. `*` is everything.
 */
export type ImportTable = Readonly<Record<string, readonly string[]>>;

const FOLDERS_OF_SIBLINGS = ['backends', 'surfaces'];

export function checkImports(source: Source, table: ImportTable): string[] {
  const found = source.imports.map((imported) => {
    const problem = checkImport(source.path, imported, table);
    return problem && `${source.path}:${imported.line} imports ${imported.specifier}: ${problem}`;
  });
  return found.filter((problem) => problem !== undefined);
}

function checkImport(path: string, { specifier }: Import, table: ImportTable): string | undefined {
  if (specifier.startsWith('../')) {
    const whole = join(dirname(path), specifier).replace(/^(?:web\/)?src\//, (start) =>
      start === 'src/' ? '' : 'web/',
    );
    return `write \`#${whole}\` instead.`;
  }
  if (/^\.\/|^#/.test(specifier) && !/\.(tsx?|js|json|css)$/.test(specifier)) {
    return 'write the file name whole, with its `.ts`.';
  }
  if (path.startsWith('clients/') && !specifier.startsWith('./')) {
    return 'a client is published alone and stands on what every runtime has; write it there.';
  }
  if (path.startsWith('web/')) return checkWebImport(path, specifier);
  if (!path.startsWith('src/') || path.endsWith('.test.ts')) return undefined;
  const from = folderOf(path.slice('src/'.length));
  const allowed = table[from] ?? table[`${dirname(from)}/*`];
  if (allowed === undefined) {
    return `src/${from} has no row in the table of test/tidy.test.ts; add one.`;
  }
  if (from === 'kernel' && !/^(node:|\.\/|#)/.test(specifier)) {
    return 'kernel stands on Node alone; wrap the package where it is used.';
  }
  if (!specifier.startsWith('#')) return undefined;
  // The version is written there and nowhere else.
  if (specifier === '#package.json') {
    return from.startsWith('apps') ? undefined : 'only apps/ knows the version; hand it down.';
  }
  const to = folderOf(specifier.slice(1));
  if (to === from || allowed.includes(to) || (allowed.includes('*') && to !== 'test')) {
    return undefined;
  }
  if (specifier.startsWith('#test/')) return 'only tests may; move it or write a test.';
  const list = allowed.length === 0 ? 'nothing' : allowed.join(', ');
  return (
    `${from} may import ${list}. Move the shared part into one of those, ` +
    'or define a port in the domain and pass the implementation in from src/apps/.'
  );
}

/** The page runs in browsers: it knows itself, the wire, and what of the kernel needs no Node. */
function checkWebImport(path: string, specifier: string): string | undefined {
  if (path.includes('.test.')) return undefined;
  if (specifier.startsWith('node:')) return 'browsers have no Node; write it for the web.';
  const isKnown = /^#(?:web|gen|kernel)\//.test(specifier);
  return isKnown || !specifier.startsWith('#')
    ? undefined
    : 'the page may import #web/, #gen/ and #kernel/ alone; what it needs comes over the APIs.';
}

function folderOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return FOLDERS_OF_SIBLINGS.includes(first) ? `${first}/${second}` : first;
}

/** The folders of the table that reach themselves through each other, if any do. */
export function findFolderCycle(table: ImportTable): string[] | undefined {
  const finished = new Set<string>();
  const visit = (folder: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(folder)) return [...trail.slice(trail.indexOf(folder)), folder];
    if (finished.has(folder)) return undefined;
    for (const next of table[folder] ?? []) {
      const cycle = visit(next, [...trail, folder]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(folder);
    return undefined;
  };
  return Object.keys(table)
    .map((folder) => visit(folder, []))
    .find((cycle) => cycle !== undefined);
}
