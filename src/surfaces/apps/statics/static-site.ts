/**
 * The static files of one version of an app: which there are is read once, since a version does not
 * change. A path is answered only if it was found then, so no path can lead out of the folder,
 * however it is written; links that do so, and names that begin with a dot, are left out.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { AppVersion } from '#workers/apps/app.ts';

/** Far more than an archive may hold. */
const MOST_FILES = 100_000;
const INDEX = 'index.html';

export interface StaticSite {
  /** Absolute and real. */
  readonly root: string;
  /** From a path such as `css/site.css` to the file, relative to the root. */
  readonly files: ReadonlyMap<string, string>;
}

export type StaticMatch =
  | { readonly kind: 'file'; readonly file: string }
  /** A folder with an index, asked for without its slash. */
  | { readonly kind: 'folder' };

export async function readStaticSite(version: AppVersion): Promise<StaticSite> {
  const { statics } = version.manifest;
  const files = new Map<string, string>();
  const root = await realpath(join(version.directory, statics?.directory ?? '.'));
  // What is neither file nor folder of this root is not there.
  await addFiles(root, '', { root, files });
  if (statics?.directory === undefined || files.size === 0) return { root, files };
  for (const hidden of neverServed(version, root)) files.delete(hidden);
  return { root, files };
}

/** The manifest and the code, where the whole folder of the app is its static files. */
function neverServed({ directory, manifest }: AppVersion, root: string): readonly string[] {
  const names = ['manifest.yaml', 'manifest.yml', 'manifest.json'];
  const isWhole = join(directory, manifest.statics?.directory ?? '.') === join(directory);
  if (!isWhole) return [];
  const { entrypoint } = manifest;
  return [...names, ...(entrypoint === undefined ? [] : [relative(root, join(root, entrypoint))])];
}

async function addFiles(folder: string, prefix: string, site: MutableSite): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.') || site.files.size >= MOST_FILES) continue;
    const path = prefix + entry.name;
    const full = join(folder, entry.name);
    if (entry.isDirectory()) await addFiles(full, `${path}/`, site);
    else if (entry.isFile()) site.files.set(path, relative(site.root, full));
    else if (entry.isSymbolicLink()) await addLink(full, path, site);
  }
}

/** Of links only those to files count, so that none goes round in circles. */
async function addLink(full: string, path: string, { root, files }: MutableSite): Promise<void> {
  const target = await realpath(full).catch(() => undefined);
  if (target === undefined) return;
  const file = relative(root, target);
  // Of what lies outside the first part is two dots.
  if (file.split(sep).some((part) => part.startsWith('.'))) return;
  if ((await stat(target)).isFile()) files.set(path, file);
}

interface MutableSite {
  readonly root: string;
  readonly files: Map<string, string>;
}

/** `path` as it was sent, with its query. */
export function findStatic(site: StaticSite, path: string): StaticMatch | undefined {
  const decoded = decodePath(path);
  if (decoded === undefined) return undefined;
  const isFolder = decoded === '' || decoded.endsWith('/');
  const file = site.files.get(isFolder ? decoded + INDEX : decoded);
  if (file !== undefined) return { kind: 'file', file };
  return !isFolder && site.files.has(`${decoded}/${INDEX}`) ? { kind: 'folder' } : undefined;
}

/** Without the slash in front; undefined for what is not text. */
function decodePath(path: string): string | undefined {
  const queryAt = path.indexOf('?');
  const raw = path.slice(1, queryAt === -1 ? undefined : queryAt);
  if (!raw.includes('%')) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    // Not validly encoded, so no file is named like that.
    return undefined;
  }
}
