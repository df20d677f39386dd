/** A raw image: the disk byte by byte, in a file with holes where it is zero. */
import type { DiskMark, DiskWriter } from '#disks/disk-writer.ts';
import { damagedImage } from '#disks/image-errors.ts';
import { ImageFile, type LetGo } from '#disks/image-file.ts';
import { findDataRuns } from '#disks/zero-detect.ts';

/** What most file systems keep in one piece. */
const BLOCK_BYTES = 4096;

export class RawWriter implements DiskWriter {
  readonly capacityBytes: number;
  readonly #file: ImageFile;
  readonly #letGo: LetGo;

  private constructor(file: ImageFile, capacityBytes: number, letGo: LetGo) {
    this.#file = file;
    this.capacityBytes = capacityBytes;
    this.#letGo = letGo;
  }

  static async create(path: string, capacityBytes: number, letGo: LetGo): Promise<RawWriter> {
    const file = await ImageFile.create(path, letGo);
    try {
      await file.setLength(capacityBytes);
      await file.syncName();
      return new RawWriter(file, capacityBytes, letGo);
    } catch (thrown) {
      await file[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** The file has its length from the start: what came after a mark is written over. */
  static async resume(
    path: string,
    at: { readonly capacityBytes: number; readonly endBytes: number },
    letGo: LetGo,
  ): Promise<RawWriter> {
    if (at.endBytes !== at.capacityBytes) throw damagedImage('it was not as long as the disk is');
    const file = await ImageFile.reopen(path, at.endBytes, letGo);
    return new RawWriter(file, at.capacityBytes, letGo);
  }

  get writtenBytes(): number {
    return this.#file.writtenBytes;
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    let done = 0;
    for (const { start, end } of findDataRuns(data, offset, BLOCK_BYTES)) {
      this.#letGo(data.subarray(done, start));
      this.#file.append(offset + start, data.subarray(start, end));
      done = end;
    }
    this.#letGo(data.subarray(done));
    if (this.#file.isFull) await this.#file.room();
  }

  async flush(): Promise<DiskMark> {
    await this.#file.sync();
    return { format: 'raw', endBytes: this.capacityBytes };
  }

  async finish(): Promise<void> {
    await this.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}
