/** The last of what a guest wrote to its serial port, from the file that libvirt keeps of it. */
import { constants, open } from 'node:fs/promises';
import { systemErrorCode } from '#kernel/errors.ts';

const MOST_BYTES = 256 * 1024;
const UNREADABLE = ['ENOENT', 'EACCES', 'ELOOP', 'ENOTDIR'];

/** Empty when there is no such file, or none that may be read here. */
export async function readConsoleEnd(path: string | undefined): Promise<string> {
  if (path === undefined) return '';
  try {
    // Never waits, whatever kind of file somebody has put there.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    await using file = await open(path, flags);
    const found = await file.stat();
    if (!found.isFile()) return '';
    const length = Math.min(found.size, MOST_BYTES);
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(length),
      position: found.size - length,
    });
    return toPlainText(buffer.subarray(0, bytesRead).toString());
  } catch (thrown) {
    if (UNREADABLE.includes(systemErrorCode(thrown) ?? '')) return '';
    throw thrown;
  }
}

/** Without the sequences that move and colour a terminal. */
function toPlainText(text: string): string {
  return text
    .replaceAll(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .replaceAll(/[\u0000-\u0008\u000b-\u000c\u000e-\u001f\u007f]/g, '');
}
