/** Adds to a file what comes, and answers only when it is there for good. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { untilAborted } from '#kernel/abort.ts';
import { MIB } from '#kernel/units.ts';
import type { Zeros } from '#machines/disk-extents.ts';

/** After so much, what came is written through: a power failure costs no more. */
const SYNC_EVERY_BYTES = 64 * MIB;
const FILE_MODE = 0o600;

export async function openPart(path: string): Promise<FileHandle> {
  return await open(path, constants.O_RDWR | constants.O_CREAT, FILE_MODE);
}

/**
 * Zeros become holes, whether they came as bytes or were only told of. What came stays however it
 * ends: at its end, by an error of its own, or because of the signal.
 */
export async function appendBytes(
  file: FileHandle,
  body: AsyncIterable<Uint8Array | Zeros>,
  signal: AbortSignal,
): Promise<void> {
  let end = (await file.stat()).size;
  let synced = end;
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await untilAborted(chunks.next(), signal);
      if (next.done === true) return;
      end += await writeNext(file, next.value, end);
      if (end - synced < SYNC_EVERY_BYTES) continue;
      await settle(file, end);
      synced = end;
    }
  } finally {
    await settle(file, end);
    // Not waited for: it may hang, which is why there is a signal.
    chunks.return?.().catch(() => undefined);
  }
}

/** Says how much further the file reaches by it. */
async function writeNext(file: FileHandle, next: Uint8Array | Zeros, at: number): Promise<number> {
  if ('zeros' in next) return next.zeros;
  if (!isZero(next)) await writeAll(file, next, at);
  return next.length;
}

async function settle(file: FileHandle, end: number): Promise<void> {
  if ((await file.stat()).size < end) await file.truncate(end);
  await file.datasync();
}

async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

function isZero(bytes: Uint8Array): boolean {
  // A block is zero when its first byte is, and each equals the one before it.
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer[0] === 0 && buffer.compare(buffer, 1, buffer.length, 0, buffer.length - 1) === 0;
}
