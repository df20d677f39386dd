/** Whether there is a file or folder. What keeps that from being known is thrown. */
import { stat } from 'node:fs/promises';
import { systemErrorCode } from '#kernel/errors.ts';

export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}
