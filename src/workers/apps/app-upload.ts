/** Writes an upload to a file as it comes: never more of it in memory than the piece at hand. */
import { open } from 'node:fs/promises';
import { untilAborted } from '#kernel/abort.ts';
import { formatBytes } from '#kernel/units.ts';
import { tooLarge } from './archive-tree.ts';

export async function writeUpload(
  archive: AsyncIterable<Uint8Array>,
  path: string,
  { mostBytes, signal }: { readonly mostBytes: number; readonly signal: AbortSignal },
): Promise<void> {
  const pieces = archive[Symbol.asyncIterator]();
  let isDone = false;
  try {
    await using file = await open(path, 'wx', 0o600);
    for (let byteCount = 0; ;) {
      const next = await untilAborted(pieces.next(), signal);
      isDone = next.done === true;
      if (next.done === true) return;
      byteCount += next.value.length;
      if (byteCount > mostBytes) {
        throw tooLarge(`the archive is longer than ${formatBytes(mostBytes)}`);
      }
      await file.writeFile(next.value);
    }
  } finally {
    // Whoever sends may be waiting; a sender that does not answer is not waited for.
    if (!isDone) pieces.return?.()?.catch(() => undefined);
  }
}
