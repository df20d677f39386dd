/**
 * The folders of this host that jobs may use. Jobs read and write as the user of this process, so
 * where they may is not for a request to say, and not for a link that somebody put there.
 */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';

export interface AllowedPathOptions {
  readonly allowed: readonly string[];
  /** What the request calls the path. */
  readonly field: string;
}

/** By its name alone, without looking at the disk: a link may still lead out of it. */
export function assertNamedWithin(path: string, { allowed, field }: AllowedPathOptions): void {
  if (allowed.some((root) => isWithin(resolve(path), resolve(root)))) return;
  throw notAllowed(field);
}

/** The path without links; it need not be there yet. */
export async function resolveAllowed(
  path: string,
  { allowed, field }: AllowedPathOptions,
): Promise<string> {
  // What is outside by its name is not even looked at: whether it is there is nobody's business.
  assertNamedWithin(path, { allowed, field });
  const real = await withoutLinks(resolve(path), field);
  for (const root of allowed) {
    if (isWithin(real, await withoutLinks(resolve(root), field))) return real;
  }
  throw notAllowed(field);
}

function isWithin(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`);
}

async function withoutLinks(path: string, field: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (thrown) {
    if (systemErrorCode(thrown) !== 'ENOENT') throw notAllowed(field, thrown);
    const parent = dirname(path);
    return parent === path ? path : join(await withoutLinks(parent, field), basename(path));
  }
}

function notAllowed(field: string, cause?: unknown): DroverError {
  const message = `${field}: is in none of the folders that migration.directories allows`;
  return new DroverError('permission_denied', message, {
    ...{ reason: 'DIRECTORY_NOT_ALLOWED', metadata: { field }, cause },
  });
}
