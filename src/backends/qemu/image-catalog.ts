/**
 * Resolves the paths in requests. A path is good when the file it really leads to, all symlinks
 * and `..` followed, is a regular file inside one of the image directories. Whether anything
 * exists outside of them cannot be found out here: every path outside gets the same answer, and
 * so does every path in the folder of another customer.
 */
import { constants } from 'node:fs';
import { access, open, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';

import { DroverError, invalidArgument, systemErrorCode } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import type { DiskImage, ImageCatalog } from '#machines/hypervisor.ts';
import { readImageHeader, type ImageHeader } from './qcow2-header.ts';

export interface ImageCatalogOptions {
  /** Absolute. The first is also known as `/assets`. */
  readonly directories: readonly string[];
}

const ALIAS = '/assets';
/** Holds a folder per customer, named by the id. */
const CUSTOMERS = 'customers';
const MOST_PATH_BYTES = 4096;
const MOST_LAYERS = 8;
const SECTOR_BYTES = 512;
/** A backing file that is no file: `nbd://…`, `json:{…}`. */
const PROTOCOL = /^[A-Za-z][A-Za-z0-9+.-]*:/;

export function createImageCatalog({ directories }: ImageCatalogOptions): ImageCatalog {
  const [first] = directories;
  if (first === undefined || !directories.every(isAbsolute)) {
    throw new Error('the image directories must be absolute paths, one at least');
  }
  const find = async (field: string, path: string, customerId: CustomerId) => {
    const real = await realPathOf(parsePath(field, path, first));
    const share = real && shareOf(await pathInside(real.path, directories), customerId);
    if (real === undefined || share === undefined) throw outside(field, path);
    if (!real.isThere) throw invalidArgument(field, `there is no file ${path}`);
    await assertFile(field, path, real.path);
    return { realPath: real.path, isOwn: share === 'own' };
  };
  return {
    async resolveFile(field, path, customerId) {
      return (await find(field, path, customerId)).realPath;
    },
    async resolveDisk(field, path, customerId) {
      const found = await find(field, path, customerId);
      const resolveLayer = async (layer: string) => (await find(field, layer, customerId)).realPath;
      const disk = await describeDisk({ field, path, realPath: found.realPath, resolveLayer });
      return { ...disk, isOwn: found.isOwn };
    },
  };
}

/** Of a file that is in no image directory yet, and of which nothing is known. */
export async function inspectImage(
  realPath: string,
): Promise<
  { readonly format: 'raw' | 'qcow2'; readonly isLayer: boolean } | { readonly refusal: string }
> {
  const { header, fileBytes } = await readHead(realPath);
  if (fileBytes === 0) return { refusal: 'is empty' };
  switch (header.format) {
    case 'refused':
      return { refusal: header.why };
    case 'raw':
      return { format: 'raw', isLayer: false };
    case 'qcow2':
      return { format: 'qcow2', isLayer: header.backingFile !== undefined };
  }
}

function parsePath(field: string, path: string, first: string): string {
  if (!isAbsolute(path) || path.includes('\0') || Buffer.byteLength(path) > MOST_PATH_BYTES) {
    throw invalidArgument(field, `must be an absolute path, such as ${ALIAS}/demo/vmlinuz`);
  }
  const place = resolve(path);
  const isAlias = place === ALIAS || place.startsWith(`${ALIAS}/`);
  return isAlias ? join(first, place.slice(ALIAS.length)) : place;
}

/** Where the path leads, or would lead if what is missing at its end were there. */
async function realPathOf(
  path: string,
): Promise<{ readonly path: string; readonly isThere: boolean } | undefined> {
  for (let known = path; ; known = dirname(known)) {
    try {
      const real = await realpath(known);
      return { path: join(real, path.slice(known.length)), isThere: known === path };
    } catch (thrown) {
      const code = systemErrorCode(thrown);
      const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
      if (!isMissing || known === '/') return undefined;
    }
  }
}

/** Relative to the image directory it lies in; undefined when it lies in none. */
async function pathInside(
  path: string,
  directories: readonly string[],
): Promise<string | undefined> {
  for (const directory of directories) {
    const real = await realPathOf(directory);
    const start = real?.path === '/' ? '/' : `${real?.path}/`;
    if (real !== undefined && path.startsWith(start)) return path.slice(start.length);
  }
  return undefined;
}

function shareOf(path: string | undefined, customerId: CustomerId): 'own' | 'shared' | undefined {
  if (path === undefined) return undefined;
  const [folder, owner] = path.split('/');
  if (folder !== CUSTOMERS) return 'shared';
  return owner === customerId ? 'own' : undefined;
}

async function assertFile(field: string, path: string, realPath: string): Promise<void> {
  // Asked by name, and never opened: opening a device or a pipe can do things.
  if (!(await stat(realPath)).isFile()) throw invalidArgument(field, `${path} is no regular file`);
  try {
    await access(realPath, constants.R_OK);
  } catch (cause) {
    throw new DroverError('failed_precondition', `${field}: Drover may not read ${path}`, {
      reason: 'IMAGE_UNREADABLE',
      metadata: { field },
      cause,
    });
  }
}

interface DiskQuestion {
  readonly field: string;
  /** As the caller, or the image above, wrote it. */
  readonly path: string;
  readonly realPath: string;
  readonly resolveLayer: (path: string) => Promise<string>;
}

async function describeDisk(question: DiskQuestion): Promise<Omit<DiskImage, 'isOwn'>> {
  const { field, path, realPath } = question;
  const { header, fileBytes } = await readHead(realPath);
  if (header.format === 'refused') throw invalidArgument(field, `${path} ${header.why}`);
  if (header.format === 'raw') {
    if (fileBytes === 0) throw invalidArgument(field, `${path} is empty`);
    if (/\.qcow2$/i.test(realPath)) throw invalidArgument(field, `${path} is no qcow2 image`);
    const sizeBytes = Math.ceil(fileBytes / SECTOR_BYTES) * SECTOR_BYTES;
    return { realPath, format: 'raw', sizeBytes };
  }
  await assertBackingChain(question, header);
  return { realPath, format: 'qcow2', sizeBytes: header.sizeBytes };
}

/** Each image below must itself lie in an image directory, or the header could name any file. */
async function assertBackingChain(
  { field, path, realPath, resolveLayer }: DiskQuestion,
  top: Extract<ImageHeader, { format: 'qcow2' }>,
): Promise<void> {
  let layer = { header: top, realPath };
  for (let depth = 0; layer.header.backingFile !== undefined; depth += 1) {
    const name = layer.header.backingFile;
    const refusal = `${path} is a qcow2 image based on a file outside the image directories`;
    if (depth >= MOST_LAYERS) throw invalidArgument(field, `${path} has too many layers`);
    if (PROTOCOL.test(name)) throw invalidArgument(field, refusal);
    const next = await resolveLayer(resolve(dirname(layer.realPath), name)).catch(() => {
      throw invalidArgument(field, refusal);
    });
    const { header } = await readHead(next);
    if (header.format === 'refused') throw invalidArgument(field, `${path} ${header.why}`);
    if (header.format === 'raw') return;
    layer = { header, realPath: next };
  }
}

async function readHead(
  realPath: string,
): Promise<{ readonly header: ImageHeader; readonly fileBytes: number }> {
  await using file = await open(realPath, constants.O_RDONLY | constants.O_NONBLOCK);
  const header = await readImageHeader(async (position, length) => {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  });
  return { header, fileBytes: (await file.stat()).size };
}

function outside(field: string, path: string): DroverError {
  return invalidArgument(field, `${path} is outside the image directories; use ${ALIAS}/…`);
}
