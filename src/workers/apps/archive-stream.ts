/** Opens an archive as the tar stream it holds, and ends it when more comes out than may. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { formatBytes, MIB } from '#kernel/units.ts';
import { badArchive, tooLarge, type EntryHead, type UnpackLimits } from './archive-tree.ts';

/** So much may always come out, so that small archives may be as dense as they like. */
const RATIO_FREE_BYTES = 1 * MIB;
/** For headers, and for what rounds each file up to whole blocks. */
const OVERHEAD_BYTES = 64 * MIB;
const BLOCK_BYTES = 512;
const MAGIC_AT = 257;

/** Its contents have to be read to the end before the next comes. */
export interface ArchiveEntry extends AsyncIterable<unknown> {
  readonly header: EntryHead;
}

export interface ArchiveStream {
  readonly entries: AsyncIterable<ArchiveEntry>;
  /** Rejects with what was wrong with the stream; resolves when all of it was read. */
  readonly ended: Promise<void>;
}

/** The file is closed by whoever opened it, after `ended`. */
export async function streamArchive(
  file: FileHandle,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<ArchiveStream> {
  const format = await formatOf(file);
  const { size } = await file.stat();
  const tape = extract();
  // Before the first byte moves: it would not hear of an end that came before it listened.
  const iterator = tape[Symbol.asyncIterator]();
  const entries = { [Symbol.asyncIterator]: () => iterator };
  const source = file.createReadStream({ start: 0, autoClose: false });
  const measure = (tar: AsyncIterable<Buffer>) => measured(tar, limits, size);
  const ended =
    format === 'gzip'
      ? pipeline(source, createGunzip(), measure, tape, { signal })
      : pipeline(source, measure, tape, { signal });
  return { entries, ended };
}

export async function openArchive(path: string): Promise<FileHandle> {
  return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
}

async function formatOf(file: FileHandle): Promise<'gzip' | 'tar'> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, 0);
  const start = buffer.subarray(0, bytesRead);
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  if (start.toString('latin1', MAGIC_AT, MAGIC_AT + 5) === 'ustar') return 'tar';
  const isZip = start.toString('latin1', 0, 2) === 'PK';
  throw badArchive(
    isZip
      ? 'the archive is a zip file; send a tar file, packed with gzip or not'
      : 'the archive is neither a tar file nor one packed with gzip',
  );
}

async function* measured(
  tar: AsyncIterable<Buffer>,
  limits: UnpackLimits,
  packedBytes: number,
): AsyncGenerator<Buffer> {
  const most = limits.totalBytes + OVERHEAD_BYTES;
  const mostByRatio = Math.max(RATIO_FREE_BYTES, packedBytes * limits.ratio);
  let count = 0;
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of tar) {
    count += chunk.length;
    if (count > mostByRatio) {
      throw tooLarge(`the archive unpacks to more than ${limits.ratio} times its size`);
    }
    if (count > most) throw tooLarge(`the archive holds more than ${formatBytes(most)}`);
    tail = lastBlock(tail, chunk);
    yield chunk;
  }
  // Without the block of zeros that ends a tar file, what is missing may be whole files.
  if (tail.length < BLOCK_BYTES || tail.some((byte) => byte !== 0)) {
    throw badArchive('the archive breaks off before its end');
  }
}

function lastBlock(before: Buffer, chunk: Buffer): Buffer {
  if (chunk.length >= BLOCK_BYTES) return chunk.subarray(-BLOCK_BYTES);
  return Buffer.concat([before, chunk]).subarray(-BLOCK_BYTES);
}
