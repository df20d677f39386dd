/**
 * The console of a machine: what its guest ever printed, of which the last two files are kept.
 *
 *     console.log.<start>        the older part; <start> is the offset of its first byte
 *     console.log.<start>.open   the same while QEMU may still write into it
 *     console.log                the newer part; it starts where the older one ends
 *
 * Offsets count from the first byte the machine printed, and the names carry them, so that they
 * survive restarts of everybody. Rotation loses nothing: console.log gets its offset as a name,
 * QEMU goes on writing into it, then is told to open a new console.log, with each of its consoles
 * in turn, and only then does the part before disappear. As long as the older part is open nobody
 * knows where the newer one starts, and readers are given none of it. After a crash in the middle
 * the next rotation takes it from there, or the end of QEMU does.
 */
import { constants, lstat, readdir, rename, rm } from 'node:fs/promises';
import { watch, type Stats } from 'node:fs';

import { untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type { ConsoleChunk, ConsoleLog } from '#machines/hypervisor.ts';
import { CONSOLE_FILE } from './machine-files.ts';
import type { MachineDirectory } from './machine-directory.ts';

export const CONSOLE_FILE_BYTES = MIB;
const MOST_READ_BYTES = MIB;
/** A look at the files in case the kernel told of no change. */
const POLL_MS = SECOND_MS;
const ATTEMPTS = 5;

/** At the end of a part's name while QEMU may still write into it. */
const OPEN = '.open';

interface OlderPart {
  readonly name: string;
  readonly start: number;
}

interface Part extends OlderPart {
  readonly sizeBytes: number;
  readonly inode: number;
}

export class FileConsoleLog implements ConsoleLog {
  readonly #directory: MachineDirectory;
  readonly #clock: Clock;
  /** The end of the log when it was read last; there is more when it has moved. */
  #seenEnd = -1;

  constructor(directory: MachineDirectory, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  async read(offset: number, maxBytes: number): Promise<ConsoleChunk> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const chunk = await this.#read(offset, Math.min(maxBytes, MOST_READ_BYTES));
      if (chunk !== undefined) return chunk;
    }
    throw consoleBusy();
  }

  async changed(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const moved = Promise.withResolvers<void>();
    using _watcher = watchDirectory(this.#directory.path, () => moved.resolve());
    // Printed since the last read, before anybody watched.
    if (endOf(await listParts(this.#directory)) !== this.#seenEnd) return;
    using _timer = this.#clock.after(POLL_MS, () => moved.resolve());
    await untilAborted(moved.promise, signal);
  }

  /** Undefined when the files were rotated between the look and the read. */
  async #read(offset: number, maxBytes: number): Promise<ConsoleChunk | undefined> {
    const parts = await listParts(this.#directory);
    const end = endOf(parts);
    const asked = offset < 0 ? Math.max(0, end + offset) : Math.min(offset, end);
    const from = Math.max(asked, parts[0]?.start ?? 0);
    const chunks: Uint8Array[] = [];
    let next = from;
    for (const part of parts) {
      const wanted = Math.min(maxBytes - (next - from), part.start + part.sizeBytes - next);
      if (wanted <= 0 || next < part.start) continue;
      const chunk = await readPart(this.#directory, part, next - part.start, wanted);
      if (chunk === undefined) return undefined;
      chunks.push(chunk);
      next += chunk.length;
    }
    this.#seenEnd = next;
    const isTruncated = offset >= 0 && from > asked;
    return { offset: from, data: Buffer.concat(chunks), nextOffset: next, isTruncated };
  }
}

/**
 * Starts a new file when the present one is full. `reopen` makes QEMU open console.log anew; if
 * it fails, QEMU may go on writing where it did, and the next call tries again.
 */
export class ConsoleRotation {
  readonly #directory: MachineDirectory;
  readonly #reopen: () => Promise<void>;
  readonly #maxFileBytes: number;
  /** Not known of what another server may have left; that takes more than a look at one file. */
  #isSettled = false;

  constructor(
    directory: MachineDirectory,
    reopen: () => Promise<void>,
    maxFileBytes = CONSOLE_FILE_BYTES,
  ) {
    this.#directory = directory;
    this.#reopen = reopen;
    this.#maxFileBytes = maxFileBytes;
  }

  async rotate(): Promise<boolean> {
    const directory = this.#directory;
    const present = await statIfThere(directory.file(CONSOLE_FILE));
    const isFull = present === undefined || present.size >= this.#maxFileBytes;
    if (this.#isSettled && !isFull) return false;
    const last = (await listParts(directory)).at(-1);
    if (last?.name === CONSOLE_FILE) {
      this.#isSettled = true;
      if (!isFull) return false;
      const name = `${CONSOLE_FILE}.${last.start}${OPEN}`;
      await rename(directory.file(CONSOLE_FILE), directory.file(name));
    } else if (last === undefined) {
      return false;
    }
    this.#isSettled = false;
    await this.#reopen();
    await settleConsole(directory);
    this.#isSettled = true;
    const older = (await listParts(directory)).filter((part) => part.name !== CONSOLE_FILE);
    for (const part of older.slice(0, -1)) await rm(directory.file(part.name), { force: true });
    return true;
  }
}

/** Says that nobody writes into the older part any more: QEMU has opened a new one, or ended. */
export async function settleConsole(directory: MachineDirectory): Promise<void> {
  for (const { name } of await readOlder(directory)) {
    if (!name.endsWith(OPEN)) continue;
    try {
      await rename(directory.file(name), directory.file(name.slice(0, -OPEN.length)));
    } catch (thrown) {
      // Somebody else said so, or removed all of it.
      if (systemErrorCode(thrown) !== 'ENOENT') throw thrown;
    }
  }
}

/** In order of their offsets. A machine that never ran has none. */
async function listParts(directory: MachineDirectory): Promise<readonly Part[]> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const older = await readOlder(directory);
    const parts: Part[] = [];
    for (const { name, start } of older) {
      const found = await statIfThere(directory.file(name));
      if (found !== undefined) parts.push(partOf(name, start, found));
    }
    if (!older.some(({ name }) => name.endsWith(OPEN))) {
      const current = await statIfThere(directory.file(CONSOLE_FILE));
      if (current !== undefined) parts.push(partOf(CONSOLE_FILE, endOf(parts), current));
    }
    // Rotated meanwhile, console.log would be taken to start where the part before it does.
    if (namesOf(await readOlder(directory)) === namesOf(older)) return parts;
  }
  throw consoleBusy();
}

function consoleBusy(): DroverError {
  return new DroverError('unavailable', 'the console is rotated faster than it can be read', {
    reason: 'CONSOLE_BUSY',
  });
}

/** The older parts, whose names say where they start. */
async function readOlder(directory: MachineDirectory): Promise<readonly OlderPart[]> {
  const older: OlderPart[] = [];
  for (const name of await readNames(directory.path)) {
    const start = /^console\.log\.(\d{1,15})(?:\.open)?$/.exec(name)?.[1];
    if (start !== undefined) older.push({ name, start: Number(start) });
  }
  return older.toSorted((one, other) => one.start - other.start);
}

function namesOf(older: readonly OlderPart[]): string {
  return older.map(({ name }) => name).join();
}

function partOf(name: string, start: number, { size, ino }: Stats): Part {
  return { name, start, sizeBytes: size, inode: ino };
}

function endOf(parts: readonly Part[]): number {
  const last = parts.at(-1);
  return last === undefined ? 0 : last.start + last.sizeBytes;
}

async function readNames(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    const found = await lstat(path);
    return found.isFile() ? found : undefined;
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Undefined when another file has the name by now. */
async function readPart(
  directory: MachineDirectory,
  part: Part,
  position: number,
  length: number,
): Promise<Uint8Array | undefined> {
  try {
    await using file = await directory.open(part.name, constants.O_RDONLY);
    if ((await file.stat()).ino !== part.inode) return undefined;
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

function watchDirectory(path: string, onChange: () => void): Disposable {
  try {
    const watcher = watch(path, { persistent: false }, onChange);
    watcher.on('error', onChange);
    return { [Symbol.dispose]: () => watcher.close() };
  } catch {
    // No folder yet, or no watches left on this host: the timer looks instead.
    return { [Symbol.dispose]: () => undefined };
  }
}
