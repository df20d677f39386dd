/** Finds the manifest in an app's folder, and checks it against the files that are there. */
import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DroverError, invalidArgument, systemErrorCode } from '#kernel/errors.ts';
import type { AppPolicy } from './app-policy.ts';
import type { AppManifest } from './app.ts';
import { settleDirectories } from './granted-directories.ts';
import { parseManifest } from './manifest.ts';

export const MANIFEST_NAMES = ['manifest.yaml', 'manifest.yml', 'manifest.json'];

/** Looked for in this order where the manifest names no entrypoint. */
const ENTRYPOINTS = ['main.ts', 'main.js', 'main.mjs', 'index.ts', 'index.js', 'index.mjs'];
const MOST_BYTES = 64 * 1024;

export async function readManifest(directory: string, policy: AppPolicy): Promise<AppManifest> {
  const names = await readdir(directory);
  const found = names.filter((name) => MANIFEST_NAMES.includes(name));
  const [name] = found;
  if (name === undefined) {
    throw badManifest(`there is no manifest: one of ${MANIFEST_NAMES.join(', ')} must be there`);
  }
  if (found.length > 1) {
    throw badManifest(`there must be one manifest, and there are ${found.join(', ')}`);
  }
  const given = await parseText(name, await readText(directory, name));
  const manifest = parseManifest(given, policy);
  const settled = await settleFiles(manifest, directory, names);
  return await settleDirectories(settled, policy);
}

async function readText(directory: string, name: string): Promise<string> {
  const path = join(directory, name);
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const stats = await file.stat();
  if (!stats.isFile()) throw badManifest(`${name} must be a file`);
  if (stats.size > MOST_BYTES) throw badManifest(`${name} is over 64 KiB`);
  return await file.readFile('utf8');
}

async function parseText(name: string, text: string): Promise<unknown> {
  // Loaded here, because many servers have no apps.
  const { parse: parseYaml, YAMLError } = await import('yaml');
  try {
    if (name.endsWith('.json')) return JSON.parse(text) as unknown;
    // Aliases are of no use in a manifest; without them nothing can unfold to gigabytes.
    return parseYaml(text, { maxAliasCount: 0, logLevel: 'error' }) as unknown;
  } catch (thrown) {
    // An alias is a ReferenceError, and brackets in brackets without end are a RangeError.
    const expected = [SyntaxError, YAMLError, ReferenceError, RangeError];
    if (!(thrown instanceof Error) || !expected.some((it) => thrown instanceof it)) throw thrown;
    const [line = ''] = thrown.message.split('\n');
    throw badManifest(`${name} cannot be read: ${line}`);
  }
}

async function settleFiles(
  manifest: AppManifest,
  directory: string,
  names: readonly string[],
): Promise<AppManifest> {
  const { statics } = manifest;
  const entrypoint = manifest.entrypoint ?? ENTRYPOINTS.find((name) => names.includes(name));
  if (entrypoint === undefined) {
    if (statics === undefined) {
      const looked = ENTRYPOINTS.join(', ');
      throw invalidArgument('entrypoint', `is missing, and so are ${looked} and static`);
    }
    for (const field of ['cron', 'events'] as const) {
      if (manifest[field].length === 0) continue;
      const key = field === 'events' ? 'on' : field;
      throw invalidArgument(
        key,
        'needs an entrypoint that answers; this app has static files alone',
      );
    }
  } else if ((await statOf(directory, entrypoint))?.isFile() !== true) {
    throw invalidArgument('entrypoint', `there is no file ${entrypoint} in the app`);
  }
  if (statics !== undefined) {
    if ((await statOf(directory, statics.directory))?.isDirectory() !== true) {
      throw invalidArgument(
        'static.directory',
        `there is no folder ${statics.directory} in the app`,
      );
    }
    const { fallback } = statics;
    const path = fallback === undefined ? undefined : join(statics.directory, fallback);
    if (path !== undefined && (await statOf(directory, path))?.isFile() !== true) {
      throw invalidArgument('static.fallback', `there is no file ${path} in the app`);
    }
  }
  return { ...manifest, entrypoint };
}

async function statOf(directory: string, path: string): Promise<Stats | undefined> {
  try {
    return await lstat(join(directory, path));
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
    throw thrown;
  }
}

function badManifest(message: string): DroverError {
  return new DroverError('invalid_argument', message, { reason: 'BAD_MANIFEST' });
}
