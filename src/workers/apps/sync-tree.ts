/** Makes sure that what was written is on the disk: of a folder, all files and folders in it. */
import { execFile } from 'node:child_process';
import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** From here on the whole file system at once is quicker, though it is others' data too. */
const MANY = 500;
/** So often others in this thread get their turn, the abort among them. */
const TURN_EVERY = 16;
const { O_RDONLY, O_NOFOLLOW } = constants;

/** `paths` are relative, and name everything that is there. */
export async function syncTree(
  directory: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (paths.length >= MANY && (await syncFileSystem(directory, signal))) return;
  for (const [at, path] of [...paths, ''].entries()) {
    if (at % TURN_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    const handle = openSync(join(directory, path), O_RDONLY | O_NOFOLLOW);
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }
}

/** Node has no call for it. False where the program does not know how. */
async function syncFileSystem(directory: string, signal: AbortSignal): Promise<boolean> {
  try {
    await promisify(execFile)('sync', ['-f', directory], { signal });
    return true;
  } catch {
    // Only coreutils' has -f. Each file by itself does as well, and tells what really fails.
    signal.throwIfAborted();
    return false;
  }
}
