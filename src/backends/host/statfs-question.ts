/**
 * How much room a filesystem has: one statfs, which answers in microseconds, or never.
 *
 * Neither a thread of libuv's pool nor a worker thread can be taken back from a call that never
 * returns, and Node waits for both of them when the process is to end (measured: with one statfs
 * hanging, in either, process.exit did not return). A dead file server with ten mounts would also
 * need ten workers of 10 MB each, or more than the four threads that all file access shares. A
 * child process can be left behind or killed, however many there are. It costs 2 ms, so:
 *
 * - filesystems of this kernel alone, which answer from memory, are asked in the pool, and of
 *   these one at a time: whatever happens, one thread of four is the most that can be lost;
 * - those with somebody behind them (network, FUSE) are asked by a child each, and less often.
 */
import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { Socket } from 'node:net';

export interface FilesystemSpace {
  readonly sizeBytes: number;
  readonly freeBytes: number;
  readonly availableBytes: number;
  readonly files: number;
  readonly freeFiles: number;
}

/** A call under way. */
export interface StatfsQuestion {
  readonly answer: Promise<FilesystemSpace>;
  /** Gives up as far as that can be done; the answer may still take for ever to fail. */
  abandon(): void;
}

export type AskStatfs = (path: string) => StatfsQuestion;

const MOST_OUTPUT_BYTES = 1024;
/** Fragment size, blocks, free, free for users, inodes, free inodes; GNU's and busybox' alike. */
const STAT_FORMAT = '%S %b %f %a %c %d';

export const askByThread: AskStatfs = (path) => ({
  answer: statfs(path).then((found) =>
    toSpace([found.frsize, found.blocks, found.bfree, found.bavail, found.files, found.ffree]),
  ),
  abandon: () => undefined,
});

export function askByChild(program: string): AskStatfs {
  return (path) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const child = execFile(
      program,
      ['-f', '-c', STAT_FORMAT, path],
      { maxBuffer: MOST_OUTPUT_BYTES, encoding: 'latin1' },
      (error, stdout) => {
        if (error === null) resolve(stdout);
        else reject(error);
      },
    );
    // It must not keep the process alive: it may never end.
    child.unref();
    for (const stream of [child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
    return {
      answer: promise.then((text) => toSpace(text.trim().split(' ').map(Number))),
      abandon: () => void child.kill('SIGKILL'),
    };
  };
}

/** Counts of blocks are in fragments, as `df` has it; the block size is only a hint for reading. */
function toSpace(numbers: readonly number[]): FilesystemSpace {
  const [fragment = NaN, blocks = NaN, free = NaN, available = NaN, files = NaN, freeFiles = NaN] =
    numbers;
  if (!numbers.every(Number.isFinite) || numbers.length < 6) {
    throw new Error('statfs was answered with something else than numbers');
  }
  return {
    sizeBytes: blocks * fragment,
    freeBytes: free * fragment,
    availableBytes: available * fragment,
    files,
    freeFiles,
  };
}
