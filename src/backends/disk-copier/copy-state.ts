/**
 * What lies beside an image while it is written: how far the copy has come, and of what it is one.
 *
 *   disk.qcow2            the image
 *   disk.qcow2.copying    this, as JSON, replaced as a whole at each mark
 *   disk.qcow2.digests    the digests of what came
 */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CopyMark } from '#disks/copy-disk.ts';
import { toDiskFailure } from '#disks/disk-failure.ts';
import type { DiskFormat } from '#disks/disk-writer.ts';
import { systemErrorCode } from '#kernel/errors.ts';

export interface CopyState {
  readonly version: 1;
  /** Whose copy it is, and of which state of the source. */
  readonly owner: string;
  readonly sourceState: string;
  readonly capacityBytes: number;
  readonly format: DiskFormat;
  readonly isCompressed: boolean;
  readonly mark: CopyMark;
}

const LONGEST = 64 * 1024;

export function digestsPath(imagePath: string): string {
  return `${imagePath}.digests`;
}

function statePath(imagePath: string): string {
  return `${imagePath}.copying`;
}

/** Undefined when there is none that can be read: then a copy begins anew. */
export async function readCopyState(imagePath: string): Promise<CopyState | undefined> {
  try {
    const text = await readFile(statePath(imagePath), 'utf8');
    const state = JSON.parse(text.slice(0, LONGEST)) as Partial<CopyState>;
    return state.version === 1 && state.mark !== undefined ? (state as CopyState) : undefined;
  } catch {
    return undefined;
  }
}

/** When it returns, it is what a crash will find. */
export async function writeCopyState(imagePath: string, state: CopyState): Promise<void> {
  const path = statePath(imagePath);
  const temporary = `${path}.new`;
  try {
    {
      await using file = await open(temporary, 'w', 0o600);
      await file.writeFile(JSON.stringify(state));
      await file.datasync();
    }
    await rename(temporary, path);
    await using folder = await open(dirname(path), 'r');
    await folder.sync();
  } catch (thrown) {
    throw toDiskFailure(thrown);
  }
}

export async function removeCopyState(imagePath: string): Promise<void> {
  for (const path of [statePath(imagePath), digestsPath(imagePath)]) {
    await rm(path, { force: true });
    await rm(`${path}.new`, { force: true });
  }
}

export async function isThere(imagePath: string): Promise<boolean> {
  try {
    await using _file = await open(imagePath, 'r');
    return true;
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return false;
    throw toDiskFailure(thrown);
  }
}
