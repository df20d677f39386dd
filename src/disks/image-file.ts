/**
 * The file of an image that is being written. Writes are gathered into long ones, go on behind the
 * back of whoever makes them, several at a time, and are never more than a few MiB in all:
 *
 *   append ──▶ run (adjacent pieces) ──▶ under way ──▶ in the file ──▶ on the disk
 *
 * What is in the file is sent on to the disk all the time, so that a flush waits for the rest only.
 * After a write failed, every later call throws the same failure. Memory is let go of when it has
 * been written, for whoever wants to use it again.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { damagedImage } from './image-errors.ts';
import { toDiskFailure } from './disk-failure.ts';
import { MIB } from '#kernel/units.ts';

const RUN_BYTES = MIB;
/** Linux takes 1024 in one call. */
const RUN_PIECES = 512;
const UNDER_WAY_BYTES = 8 * MIB;
const UNDER_WAY_RUNS = 32;
const UNSYNCED_BYTES = 32 * MIB;
const FLAGS = constants.O_RDWR | constants.O_NOFOLLOW;
const STAT_BLOCK_BYTES = 512;
/** The disk of a VM holds whatever its owner keeps there. */
const MODE = 0o600;

/** Told of each part of what was appended, once, when nobody here looks at it any more. */
export type LetGo = (data: Uint8Array) => void;

interface Run {
  readonly position: number;
  readonly pieces: Uint8Array[];
  bytes: number;
}

export class ImageFile implements AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #letGo: LetGo;
  readonly #underWay = new Set<Promise<void>>();
  #run: Run | undefined;
  #underWayBytes = 0;
  #unsyncedBytes = 0;
  #syncing: Promise<void> | undefined;
  #writtenBytes = 0;
  #failure: Error | undefined;

  private constructor(handle: FileHandle, path: string, letGo: LetGo) {
    this.#handle = handle;
    this.#path = path;
    this.#letGo = letGo;
  }

  /** Empties the file if there is one. */
  static async create(path: string, letGo?: LetGo): Promise<ImageFile> {
    return await ImageFile.#open(path, FLAGS | constants.O_CREAT | constants.O_TRUNC, letGo);
  }

  /** Cuts off what came after `endBytes`. */
  static async reopen(path: string, endBytes: number, letGo?: LetGo): Promise<ImageFile> {
    const file = await ImageFile.#open(path, FLAGS, letGo);
    try {
      const { size, blocks } = await file.#handle.stat();
      if (!Number.isSafeInteger(endBytes) || endBytes < 0 || size < endBytes) {
        throw damagedImage(`it has ${size} bytes and had ${endBytes} already`);
      }
      await file.setLength(endBytes);
      file.#writtenBytes = Math.min(endBytes, blocks * STAT_BLOCK_BYTES);
      return file;
    } catch (thrown) {
      await file[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  static async #open(
    path: string,
    flags: number,
    letGo: LetGo = () => undefined,
  ): Promise<ImageFile> {
    try {
      return new ImageFile(await open(path, flags, MODE), path, letGo);
    } catch (thrown) {
      throw toDiskFailure(thrown);
    }
  }

  /** What was handed over, by those who wrote the file before as well. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Then whoever appends should wait for `room` first. */
  get isFull(): boolean {
    return this.#underWayBytes >= UNDER_WAY_BYTES || this.#underWay.size >= UNDER_WAY_RUNS;
  }

  /** `data` may not change until it is let go of. */
  append(position: number, data: Uint8Array): void {
    this.#assertSound();
    let run = this.#run;
    if (
      run === undefined ||
      run.position + run.bytes !== position ||
      run.bytes >= RUN_BYTES ||
      run.pieces.length >= RUN_PIECES
    ) {
      this.#send();
      run = { position, pieces: [], bytes: 0 };
      this.#run = run;
    }
    run.pieces.push(data);
    run.bytes += data.byteLength;
    this.#writtenBytes += data.byteLength;
  }

  async room(): Promise<void> {
    while (this.isFull) await Promise.race(this.#underWay);
    this.#assertSound();
  }

  /** Resolves when all that was appended is in the file, which is not yet on the disk. */
  async settle(): Promise<void> {
    this.#send();
    await Promise.all(this.#underWay);
    this.#assertSound();
  }

  async write(position: number, data: Uint8Array): Promise<void> {
    this.append(position, data);
    await this.settle();
  }

  /** What lies behind the end of the file is zero, as it is in a hole. */
  async read(position: number, length: number): Promise<Buffer> {
    await this.settle();
    const data = Buffer.alloc(length);
    await this.#doing(async () => {
      for (let at = 0; at < length;) {
        const { bytesRead } = await this.#handle.read(data, at, length - at, position + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
    });
    return data;
  }

  async setLength(bytes: number): Promise<void> {
    await this.#doing(() => this.#handle.truncate(bytes));
  }

  /** To the disk, with all that was appended. */
  async sync(): Promise<void> {
    await this.settle();
    await this.#syncing;
    this.#unsyncedBytes = 0;
    await this.#doing(() => this.#handle.datasync());
  }

  /** A file that is new has its name on the disk only after this. */
  async syncName(): Promise<void> {
    await this.#doing(async () => {
      await using directory = await open(dirname(this.#path), constants.O_RDONLY);
      await directory.sync();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#underWay, this.#syncing]);
    await this.#handle.close();
  }

  #send(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    this.#underWayBytes += run.bytes;
    const write = this.#writeRun(run)
      .catch((thrown: unknown) => this.#fail(thrown))
      .finally(() => {
        for (const piece of run.pieces) this.#letGo(piece);
        this.#underWayBytes -= run.bytes;
        this.#underWay.delete(write);
        this.#syncSome(run.bytes);
      });
    this.#underWay.add(write);
  }

  #syncSome(bytes: number): void {
    this.#unsyncedBytes += bytes;
    if (this.#unsyncedBytes < UNSYNCED_BYTES || this.#syncing !== undefined) return;
    this.#unsyncedBytes = 0;
    this.#syncing = this.#handle
      .datasync()
      .catch((thrown: unknown) => this.#fail(thrown))
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  async #writeRun({ position, pieces, bytes }: Run): Promise<void> {
    let left = pieces;
    for (let done = 0; done < bytes;) {
      const { bytesWritten } = await this.#handle.writev(left, position + done);
      done += bytesWritten;
      if (done < bytes) left = dropBytes(left, bytesWritten);
    }
  }

  async #doing(act: () => Promise<void>): Promise<void> {
    this.#assertSound();
    try {
      await act();
    } catch (thrown) {
      this.#fail(thrown);
      this.#assertSound();
    }
  }

  #fail(thrown: unknown): void {
    this.#failure ??= toDiskFailure(thrown);
  }

  #assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** A file system that fills up takes the first part of a write before it refuses the rest. */
function dropBytes(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  const left: Uint8Array[] = [];
  let toDrop = count;
  for (const piece of pieces) {
    if (toDrop < piece.byteLength) left.push(piece.subarray(toDrop));
    toDrop = Math.max(0, toDrop - piece.byteLength);
  }
  return left;
}
