/**
 * Where the holes of a file are. Node has no way to ask (no SEEK_DATA), and the number of blocks a
 * file takes proves nothing: some file systems compress, and some count late. qemu-img asks the
 * kernel and says it; where it is missing, or there is too much to say, the file has no holes.
 */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { MIB } from '#kernel/units.ts';

export interface Stretch {
  readonly offset: number;
  readonly length: number;
}

/** Some 150 000 stretches. */
const MOST_OUTPUT_BYTES = 16 * MIB;
const run = promisify(execFile);

/** What is not a hole, ascending; undefined when nobody knows. */
export async function findFileData(
  path: string,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<readonly Stretch[] | undefined> {
  // An absolute path is never taken for an option or an address; nothing but raw is looked into.
  const args = ['map', '--force-share', '-f', 'raw', '--output=json', resolve(path)];
  try {
    const { stdout } = await run('qemu-img', args, { maxBuffer: MOST_OUTPUT_BYTES, signal });
    return parseMap(stdout, sizeBytes);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** The map counts in sectors, and may reach past the end of a file that does not. */
function parseMap(json: string, sizeBytes: number): readonly Stretch[] | undefined {
  const entries: unknown = JSON.parse(json);
  if (!Array.isArray(entries)) return undefined;
  const stretches: Stretch[] = [];
  let end = 0;
  for (const entry of entries as readonly unknown[]) {
    const stretch = parseEntry(entry);
    if (stretch === undefined || stretch.start !== end) return undefined;
    end = stretch.start + stretch.length;
    const length = Math.min(end, sizeBytes) - stretch.start;
    if (stretch.data && length > 0) stretches.push({ offset: stretch.start, length });
  }
  return end >= sizeBytes ? stretches : undefined;
}

function parseEntry(entry: unknown) {
  if (typeof entry !== 'object' || entry === null) return undefined;
  if (!('start' in entry) || !('length' in entry) || !('data' in entry)) return undefined;
  const { start, length, data } = entry;
  if (typeof start !== 'number' || typeof length !== 'number' || typeof data !== 'boolean') {
    return undefined;
  }
  return { start, length, data };
}
