/**
 * Where the files of a disk are. What is not checked yet lies where no customer can name it: a
 * machine that was made of a harmless image would read whatever takes its place.
 *
 *   IMAGES/customers/.uploads/CUSTOMER/ID.json       what the disk is to be
 *   IMAGES/customers/.uploads/CUSTOMER/ID.part       what came of it so far
 *   IMAGES/customers/CUSTOMER/uploads/ID.qcow2       the disk, once it was checked
 */
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '#kernel/errors.ts';
import type { CustomerId, DiskId } from '#kernel/ids.ts';
import type { DiskDraft, DiskFormat } from '#machines/disk.ts';

/** No id of a customer begins with a dot. */
const HIDDEN = 'customers/.uploads';
const ALIAS = '/assets';
export const MANIFEST_ENDING = '.json';
/** Passable, since guests run as another user, and closed to everybody else. */
const SHARED_MODE = 0o711;
const OWN_MODE = 0o700;
const FILE_MODE = 0o600;

/** As it is kept: all that the files themselves do not say. */
export interface DiskManifest extends DiskDraft {
  readonly createdAt: number;
  readonly failure: string | undefined;
}

export interface DiskFiles {
  readonly manifest: string;
  readonly part: string;
  readonly ready: string;
  /** As a configuration names it. */
  readonly given: string;
}

export function hiddenFolder(images: string, customerId?: CustomerId): string {
  return join(images, HIDDEN, customerId ?? '');
}

export function filesOf(
  images: string,
  { customerId, id, format }: Pick<DiskDraft, 'customerId' | 'id' | 'format'>,
): DiskFiles {
  const hidden = hiddenFolder(images, customerId);
  const ready = `customers/${customerId}/uploads/${id}.${format}`;
  return {
    manifest: join(hidden, `${id}${MANIFEST_ENDING}`),
    part: join(hidden, `${id}.part`),
    ready: join(images, ready),
    given: `${ALIAS}/${ready}`,
  };
}

export function manifestPath(images: string, customerId: CustomerId, id: DiskId): string {
  return join(hiddenFolder(images, customerId), `${id}${MANIFEST_ENDING}`);
}

export async function makeFolders(images: string, customerId: CustomerId): Promise<void> {
  const uploads = join(images, 'customers', customerId, 'uploads');
  // First, since what is made on the way gets the mode of the last.
  await mkdir(uploads, { recursive: true, mode: SHARED_MODE });
  await mkdir(hiddenFolder(images, customerId), { recursive: true, mode: OWN_MODE });
}

/** Undefined: there is none, or none that this program wrote. */
export async function readManifest(path: string): Promise<DiskManifest | undefined> {
  try {
    const raw = JSON.parse(await readFile(path, 'utf8')) as unknown;
    return isManifest(raw) ? raw : undefined;
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT' || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

/** All of it or nothing, also when the power fails. */
export async function writeManifest(path: string, manifest: DiskManifest): Promise<void> {
  const partial = `${path}.new`;
  try {
    await writeFile(partial, JSON.stringify(manifest), { mode: FILE_MODE, flush: true });
    await rename(partial, path);
    await syncFolder(join(path, '..'));
  } catch (thrown) {
    await rm(partial, { force: true });
    throw thrown;
  }
}

export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

export interface FileFacts {
  readonly bytes: number;
  readonly changedAt: number;
}

export async function factsOf(path: string): Promise<FileFacts | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { bytes: size, changedAt: mtimeMs };
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

function isManifest(raw: unknown): raw is DiskManifest {
  if (typeof raw !== 'object' || raw === null) return false;
  const { id, customerId, name, format, sizeBytes, createdAt } = raw as Partial<DiskManifest>;
  const formats: readonly (DiskFormat | undefined)[] = ['raw', 'qcow2'];
  return (
    [id, customerId, name].every((text) => typeof text === 'string') &&
    [sizeBytes, createdAt].every((number) => typeof number === 'number') &&
    formats.includes(format)
  );
}
