/** Folders of the host that manifests ask for, judged by where they really lie. */
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import { invalidArgument } from '#kernel/errors.ts';
import type { AppPolicy } from './app-policy.ts';
import type { AppManifest } from './app.ts';

export function isWithin(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => {
    const way = relative(root, path);
    return !isAbsolute(way) && way.split('/')[0] !== '..';
  });
}

/**
 * The manifest with real paths. A link inside an allowed folder must not lead out of it, so what
 * was checked as text is checked once more as a place, and the worker is given the place.
 */
export async function settleDirectories(
  manifest: AppManifest,
  policy: AppPolicy,
): Promise<AppManifest> {
  const { readableDirectories, writableDirectories } = manifest;
  if (readableDirectories.length + writableDirectories.length === 0) return manifest;
  const roots = await Promise.all(
    policy.directories.map((root) => realpath(root).catch(() => root)),
  );
  const settle = async (path: string, field: string) => {
    const real = await realDirectory(path);
    if (real === undefined) {
      throw invalidArgument(field, `there is no folder ${path} on this host`);
    }
    if (isWithin(real, roots)) return real;
    const way = `${path} leads to ${real}`;
    throw invalidArgument(field, `${way}, which the setting apps.directories does not allow`);
  };
  return {
    ...manifest,
    readableDirectories: await Promise.all(
      readableDirectories.map((path) => settle(path, 'directories.read')),
    ),
    writableDirectories: await Promise.all(
      writableDirectories.map((path) => settle(path, 'directories.write')),
    ),
  };
}

async function realDirectory(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    return (await stat(real)).isDirectory() ? real : undefined;
  } catch {
    // Not there, or not for us to see: to an app that is the same.
    return undefined;
  }
}
