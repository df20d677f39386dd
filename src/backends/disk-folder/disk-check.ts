/** Looks at an image whose last byte has come, before anybody may name it. */
import { chmod, chown, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DroverError } from '#kernel/errors.ts';
import type { Disk } from '#machines/disk.ts';
import { syncFolder, type DiskFiles } from './disk-files.ts';

/** What an image says of itself, or why it is not to be used. */
export type InspectImage = (
  path: string,
) => Promise<
  { readonly format: Disk['format']; readonly isLayer: boolean } | { readonly refusal: string }
>;

export interface DiskCheckParts {
  /** SHA-256 in lower-case hex, in a thread. */
  readonly hash: (
    path: string,
    signal: AbortSignal,
    onProgress: (doneBytes: number) => void,
  ) => Promise<string>;
  readonly inspect: InspectImage;
  /** Whom guests run as, if not as this process: the disks are to be theirs. */
  readonly guestUser: { readonly uid: number; readonly gid: number } | undefined;
}

const FILE_MODE = 0o600;

interface DiskCheckCall extends DiskCheckParts {
  readonly signal: AbortSignal;
  /** How much of it has been hashed. */
  readonly onProgress: (doneBytes: number) => void;
}

/** It has its name when this returns; one that throws has not. */
export async function checkDisk(
  disk: Disk,
  { part, ready }: DiskFiles,
  { hash, inspect, guestUser, signal, onProgress }: DiskCheckCall,
): Promise<void> {
  if (disk.sha256 !== undefined) {
    const found = await hash(part, signal, onProgress);
    if (found !== disk.sha256) throw otherDigest(disk.sha256, found);
  }
  const image = await inspect(part);
  const refusal = refusalOf(disk, image);
  if (refusal !== undefined) {
    throw new DroverError('failed_precondition', refusal, { reason: 'IMAGE_REFUSED' });
  }
  signal.throwIfAborted();
  await chmod(part, FILE_MODE);
  if (guestUser !== undefined) await chown(part, guestUser.uid, guestUser.gid);
  await rename(part, ready);
  await syncFolder(dirname(ready));
}

/** For one that is not to be used: the bytes go, so that they count against nobody's quota. */
export async function dropPart({ part }: DiskFiles): Promise<void> {
  await rm(part, { force: true });
}

function refusalOf({ format }: Disk, image: Awaited<ReturnType<InspectImage>>): string | undefined {
  if ('refusal' in image) return `the image ${image.refusal}`;
  if (image.format !== format) return `the image is ${image.format}, and was said to be ${format}`;
  if (image.isLayer) return 'the image is a layer over another file; flatten it with qemu-img';
  return undefined;
}

function otherDigest(expected: string, found: string): DroverError {
  const text = `what came has the SHA-256 ${found}, and was to have ${expected}; send it again`;
  return new DroverError('data_loss', text, { reason: 'DIGEST_MISMATCH' });
}
