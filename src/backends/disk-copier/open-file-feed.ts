/** Opens an image that lies here, in files of its own or inside of an archive. */
import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RangeSource } from '#disks/byte-source.ts';
import type { DiskReader } from '#disks/disk-reader.ts';
import { openFileRangeSource } from '#disks/file-range-source.ts';
import { unreadableImage } from '#disks/image-errors.ts';
import { openDiskImageIn } from '#disks/open-disk-image.ts';
import { createSourcePart } from '#disks/source-part.ts';
import type { DiskFeed } from '#transfers/disk-feed.ts';

export interface OpenFileFeed {
  readonly reader: DiskReader;
  /** Names the state of each file of it. */
  readonly state: string;
}

export async function openFileFeed(
  { path, part }: DiskFeed & { readonly kind: 'file' },
  signal: AbortSignal,
): Promise<OpenFileFeed> {
  const states: string[] = [];
  const open = async (file: string): Promise<RangeSource> => {
    states.push(await stateOf(file));
    return await openFileRangeSource(file);
  };
  const openSibling = async (name: string): Promise<RangeSource> => {
    // The names in an archive are not those of files beside it.
    if (part !== undefined) throw unreadableImage('it is of several files; unpack the OVA first');
    return await open(join(dirname(path), name));
  };
  const file = await open(path);
  const source = part === undefined ? file : await partOf(file, part);
  const reader = await openDiskImageIn(source, { signal, openSibling });
  return { reader, state: states.join(' ') };
}

async function partOf(
  file: RangeSource,
  part: { readonly offset: number; readonly length: number },
): Promise<RangeSource> {
  try {
    return createSourcePart(file, part);
  } catch (thrown) {
    await file[Symbol.asyncDispose]();
    throw thrown;
  }
}

async function stateOf(path: string): Promise<string> {
  try {
    const stats = await lstat(path, { bigint: true });
    if (stats.isSymbolicLink()) {
      throw unreadableImage('one of its files is a link; put the file itself there');
    }
    return `${stats.ino}:${stats.size}:${stats.mtimeNs}`;
  } catch (thrown) {
    // Opening it will say what is wrong, and in better words.
    if (thrown instanceof Error && 'syscall' in thrown) return '';
    throw thrown;
  }
}
