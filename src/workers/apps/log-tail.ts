/** Reads the end of a file of lines, however long the file is. */
import { open } from 'node:fs/promises';

const FIRST_READ_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** The last lines, oldest first. A line that does not fit into `mostBytes` whole is left out. */
export async function tailLines(
  path: string,
  { mostLines, mostBytes }: { readonly mostLines: number; readonly mostBytes: number },
): Promise<string[]> {
  if (mostLines === 0) return [];
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const most = Math.min(size, mostBytes);
  for (let wanted = FIRST_READ_BYTES; ; wanted *= 4) {
    const length = Math.min(wanted, most);
    const start = size - length;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
    const bytes = buffer.subarray(0, bytesRead);
    const found = countNewlines(bytes);
    if (found <= mostLines && length < most) continue;
    // The first line may have begun before what was read.
    const whole = start === 0 ? bytes : bytes.subarray(bytes.indexOf(NEWLINE) + 1);
    const lines = whole.toString('utf8').split('\n');
    return lines.filter((line) => line !== '').slice(-mostLines);
  }
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
