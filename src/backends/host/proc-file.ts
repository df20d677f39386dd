/**
 * A descriptor on a file of /proc or /sys that is kept and read again and again from its start:
 * the kernel makes the content anew each time, and opening costs more than reading.
 *
 *   closed ──open──▶ kept ──read fails──▶ closed ──open at once──▶ kept
 *     └── opening fails: absent, tried again after RETRY_MS
 *
 * All files of one ProcReader share its buffer, so what one read holds until the next.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { ByteScanner } from './byte-scanner.ts';

const FIRST_SIZE = 64 * 1024;
/** A host with 100 000 UDP sockets shows them in some 13 MB. */
const MOST_SIZE = 32 * 1024 * 1024;
/**
 * A file made of records comes in pieces of a page, each piece as many records as fit. A record
 * is shorter than 1 KiB, so a shorter piece than this was the last.
 */
const SURELY_LAST = 3072;
const RETRY_MS = 10_000;

export interface ProcFileOptions {
  /** The kernel hands out this file in one piece: what does not fill the buffer is all of it. */
  readonly isOnePiece?: boolean;
}

export class ProcReader {
  buffer: Buffer = Buffer.allocUnsafe(FIRST_SIZE);
  readonly scanner = new ByteScanner();

  open(path: string, options: ProcFileOptions = {}): ProcFile {
    return new ProcFile(this, path, options);
  }

  /** For ProcFile: keeps what was read and makes room for as much again. */
  grow(): boolean {
    if (this.buffer.length >= MOST_SIZE) return false;
    const larger = Buffer.allocUnsafe(this.buffer.length * 2);
    this.buffer.copy(larger);
    this.buffer = larger;
    return true;
  }
}

export class ProcFile implements Disposable {
  readonly path: string;
  readonly #reader: ProcReader;
  readonly #isOnePiece: boolean;
  #descriptor = -1;
  #retryAtMs = -Infinity;
  #failure: unknown;

  constructor(reader: ProcReader, path: string, options: ProcFileOptions) {
    this.#reader = reader;
    this.path = path;
    this.#isOnePiece = options.isOnePiece ?? false;
  }

  /**
   * The shared scanner at the start of what the file says now; undefined where there is no such
   * file, or it will not be read.
   */
  scan(nowMs: number): ByteScanner | undefined {
    const length = this.#read(nowMs);
    if (length < 0) return undefined;
    const { scanner, buffer } = this.#reader;
    scanner.reset(buffer, length);
    return scanner;
  }

  /** For a file without which there is nothing to measure. */
  require(nowMs: number): ByteScanner {
    const scanner = this.scan(nowMs);
    if (scanner !== undefined) return scanner;
    throw new Error(`${this.path} cannot be read`, { cause: this.#failure });
  }

  /** Of a file that holds one number; NaN where it does not, or is absent. */
  number(nowMs: number): number {
    return this.scan(nowMs)?.number() ?? NaN;
  }

  [Symbol.dispose](): void {
    if (this.#descriptor < 0) return;
    closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  #read(nowMs: number): number {
    const wasOpen = this.#descriptor >= 0;
    if (!wasOpen && !this.#open(nowMs)) return -1;
    const length = this.#readAll();
    if (length >= 0) return length;
    this[Symbol.dispose]();
    if (wasOpen && this.#open(nowMs)) {
      // What it was opened on has gone; there may be another of the name.
      const again = this.#readAll();
      if (again >= 0) return again;
      this[Symbol.dispose]();
    }
    this.#retryAtMs = nowMs + RETRY_MS;
    return -1;
  }

  #open(nowMs: number): boolean {
    if (nowMs < this.#retryAtMs) return false;
    try {
      this.#descriptor = openSync(this.path, 'r');
      return true;
    } catch (thrown) {
      this.#failure = thrown;
      this.#retryAtMs = nowMs + RETRY_MS;
      return false;
    }
  }

  #readAll(): number {
    const reader = this.#reader;
    let length = 0;
    try {
      for (;;) {
        const room = reader.buffer.length - length;
        const read = readSync(this.#descriptor, reader.buffer, length, room, length);
        length += read;
        if (read === 0 || read < SURELY_LAST || (this.#isOnePiece && read < room)) return length;
        if (length === reader.buffer.length && !reader.grow()) {
          throw new RangeError(`${this.path} is longer than ${MOST_SIZE} bytes`);
        }
      }
    } catch (thrown) {
      // The device behind it went, or the driver has no answer; the caller goes on without.
      this.#failure = thrown;
      return -1;
    }
  }
}
