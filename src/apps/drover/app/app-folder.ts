/** The files of a folder that is to become an app: looked through whole before anything is sent. */
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DroverError, invalidArgument, systemErrorCode } from '#kernel/errors.ts';
import { IGNORE_FILE, parseIgnoreFile, type Ignores } from './app-ignore.ts';

export interface FolderFile {
  /** Relative to the folder, with slashes. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface AppFolder {
  readonly files: readonly FolderFile[];
  readonly sizeBytes: number;
}

const MANIFESTS = ['manifest.yaml', 'manifest.yml', 'manifest.json'];
/** Somebody who names their home directory by mistake is to hear of it soon. */
const MOST_FILES = 100_000;

export async function readAppFolder(directory: string, signal: AbortSignal): Promise<AppFolder> {
  const names = new Set(await readdir(directory));
  if (!MANIFESTS.some((manifest) => names.has(manifest))) {
    throw new DroverError(
      'not_found',
      `${directory} holds none of ${MANIFESTS.join(', ')}; an app begins with: drover app new DIR`,
      { reason: 'MANIFEST_MISSING' },
    );
  }
  const ignores = parseIgnoreFile(await readIgnoreFile(directory));
  const files: FolderFile[] = [];
  await collect({ directory, ignores, files, signal }, '');
  return { files, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

async function readIgnoreFile(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, IGNORE_FILE), 'utf8');
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return '';
    throw invalidArgument(IGNORE_FILE, `cannot be read (${systemErrorCode(thrown)})`);
  }
}

interface Walk {
  readonly directory: string;
  readonly ignores: Ignores;
  readonly files: FolderFile[];
  readonly signal: AbortSignal;
}

/** In order of names, so that the same folder always makes the same archive. */
async function collect(walk: Walk, folder: string): Promise<void> {
  walk.signal.throwIfAborted();
  const entries = await readdir(join(walk.directory, folder), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (walk.ignores(name, entry.isDirectory())) continue;
    if (entry.isDirectory()) await collect(walk, name);
    else await add(walk, name);
  }
}

async function add({ directory, files }: Walk, name: string): Promise<void> {
  const path = join(directory, name);
  const stats = await lstat(path);
  if (stats.isSymbolicLink()) {
    throw invalidArgument(
      name,
      `is a symbolic link, which apps cannot have; copy the file, or name it in ${IGNORE_FILE}`,
    );
  }
  if (!stats.isFile()) {
    throw invalidArgument(name, `must be a file or a folder; name it in ${IGNORE_FILE} to skip it`);
  }
  if (files.length >= MOST_FILES) {
    throw invalidArgument(directory, `must have at most ${MOST_FILES} files; is it the right one?`);
  }
  files.push({ name, path, sizeBytes: stats.size });
}
