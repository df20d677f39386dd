/**
 * The write-ahead log: files `wal-1`, `wal-2`… in a directory, each written by one process only.
 *
 *   none → [append] → file n open → [rotate, or a write fails] → none → [append] → file n+1 open…
 *
 * Each append is one write to the page cache, which a killed process does not take back; the disk
 * gets it a few seconds later. After a failed write the file is left as it is and another one is
 * begun, at most every few seconds.
 */
import {
  close,
  closeSync,
  fdatasync,
  ftruncateSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { ByteWriter } from '#metrics/byte-writer.ts';
import { writeFrame, writeHeader } from './wal-format.ts';

const RETRY_MS = 5 * SECOND_MS;
const OWNER_ONLY = 0o600;
const FILE_NAME = /^wal-([1-9]\d{0,14})$/;

export interface WriteAheadLogOptions {
  readonly directory: string;
  readonly epoch: string;
  readonly clock: Clock;
  /** Files up to this one are there already, or have been. */
  readonly lastFile: number;
  /** The number of the last cut. */
  readonly sealedThrough: number;
}

interface OpenFile {
  readonly descriptor: number;
  readonly openedMs: number;
  size: number;
  isDirty: boolean;
}

export class WriteAheadLog implements AsyncDisposable {
  readonly #options: WriteAheadLogOptions;
  readonly #frame = new ByteWriter(64 * 1024);
  #file: OpenFile | undefined;
  #number: number;
  #isCut = false;
  #lastCut: number;
  #retryAtMs = -Infinity;

  constructor(options: WriteAheadLogOptions) {
    this.#options = options;
    this.#number = options.lastFile;
    this.#lastCut = options.sealedThrough;
  }

  /** Of the file that is written to, or was last. */
  get number(): number {
    return this.#number;
  }

  /** Of the open file. */
  get sizeBytes(): number {
    return this.#file?.size ?? 0;
  }

  /** How long the open file has been written to. */
  get ageMs(): number {
    const { clock } = this.#options;
    return this.#file === undefined ? 0 : clock.monotonicMs() - this.#file.openedMs;
  }

  /** Makes sure a file is open. Throws what the file system says; answers false while waiting. */
  ready(): boolean {
    if (this.#file !== undefined) return true;
    const { clock } = this.#options;
    if (clock.monotonicMs() < this.#retryAtMs) return false;
    try {
      this.#open();
    } catch (thrown) {
      this.#retryAtMs = clock.monotonicMs() + RETRY_MS;
      throw thrown;
    }
    return true;
  }

  /** Writes records to the open file at once, all or none. */
  append(records: readonly Uint8Array[]): void {
    const file = this.#file;
    if (file === undefined) throw new Error('the write-ahead log is not ready');
    this.#frame.clear();
    for (const record of records) writeFrame(this.#frame, record);
    const bytes = this.#frame.view();
    try {
      writeWhole(file.descriptor, bytes, file.size);
    } catch (thrown) {
      this.#retryAtMs = this.#options.clock.monotonicMs() + RETRY_MS;
      this.#abandon(file);
      throw thrown;
    }
    file.size += bytes.length;
    file.isDirty = true;
  }

  /** What follows goes to another file and is told apart from what is before. Numbers the cut. */
  cut(): number {
    this.rotate();
    this.#isCut = true;
    // When no file could be opened since the cut before, this one still has a number of its own.
    this.#number = Math.max(this.#number, this.#lastCut + 1);
    this.#lastCut = this.#number;
    return this.#lastCut;
  }

  /** What follows goes to another file. */
  rotate(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    const { descriptor } = file;
    // Nobody is told: what cannot be made durable now is not lost to anything but a power cut.
    fdatasync(descriptor, () => close(descriptor, () => undefined));
  }

  /** Removes the files up to this one, which have been sealed. */
  removeThrough(number: number): void {
    for (const file of listWalFiles(this.#options.directory)) {
      if (file <= number) rmSync(walPath(this.#options.directory, file), { force: true });
    }
  }

  /** Puts what was written on the disk. */
  async sync(): Promise<void> {
    const file = this.#file;
    if (file === undefined || !file.isDirty) return;
    file.isDirty = false;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    fdatasync(file.descriptor, (error) => (error === null ? resolve() : reject(error)));
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const file = this.#file;
    try {
      await this.sync();
    } finally {
      this.#file = undefined;
      if (file !== undefined) closeSync(file.descriptor);
    }
  }

  #open(): void {
    const { directory, epoch, clock } = this.#options;
    const number = this.#number + 1;
    const path = walPath(directory, number);
    const descriptor = openSync(path, 'w', OWNER_ONLY);
    try {
      const header = new ByteWriter();
      writeHeader(header, { epoch, file: number, isCut: this.#isCut });
      const frame = new ByteWriter();
      writeFrame(frame, header.view());
      writeWhole(descriptor, frame.view(), 0);
      const openedMs = clock.monotonicMs();
      this.#file = { descriptor, openedMs, size: frame.length, isDirty: true };
      this.#number = number;
      this.#isCut = false;
    } catch (thrown) {
      closeSync(descriptor);
      rmSync(path, { force: true });
      throw thrown;
    }
  }

  #abandon(file: OpenFile): void {
    this.#file = undefined;
    try {
      ftruncateSync(file.descriptor, file.size);
    } catch {
      // What was written in part is recognised when it is read back.
    }
    closeSync(file.descriptor);
  }
}

export function walPath(directory: string, number: number): string {
  return join(directory, `wal-${number}`);
}

/** Their numbers, rising. */
export function listWalFiles(directory: string): number[] {
  return readdirSync(directory)
    .flatMap((name) => Number(FILE_NAME.exec(name)?.[1] ?? []))
    .toSorted((one, other) => one - other);
}

function writeWhole(descriptor: number, bytes: Uint8Array, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    const left = bytes.length - written;
    written += writeSync(descriptor, bytes, written, left, position + written);
  }
}
