/**
 * Keeps the digests of a disk beside its image. The file grows by a batch for each mark and nothing
 * in it changes, so what a mark knew of is what lies before the end that the file had then:
 *
 *   magic, capacity │ count, CRC-32, (extent, digest) … │ count, CRC-32, …
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { toDiskFailure } from './disk-failure.ts';
import { DIGEST_BYTES, DiskDigests, EXTENT_BYTES } from './disk-digests.ts';
import { damagedImage } from './image-errors.ts';

const MAGIC = Buffer.from('DROVERD1', 'latin1');
const HEADER_BYTES = 16;
const BATCH_HEADER_BYTES = 8;
const RECORD_BYTES = 4 + DIGEST_BYTES;
const MODE = 0o600;
const CONTRADICTORY = 'its digests contradict themselves';

export class DigestJournal implements AsyncDisposable {
  readonly digests: DiskDigests;
  readonly #handle: FileHandle;
  #endBytes = HEADER_BYTES;

  private constructor(handle: FileHandle, digests: DiskDigests) {
    this.#handle = handle;
    this.digests = digests;
  }

  /** Empties the file if there is one. */
  static async create(path: string, capacityBytes: number): Promise<DigestJournal> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    const digests = new DiskDigests(capacityBytes);
    return await DigestJournal.#open({ path, flags, digests }, async (journal) => {
      await journal.#write(0, encodeHeader(capacityBytes));
    });
  }

  /** With the digests as they were when `save` answered `endBytes`; forgets what came later. */
  static async resume(
    path: string,
    at: { readonly capacityBytes: number; readonly endBytes: number },
  ): Promise<DigestJournal> {
    const digests = new DiskDigests(at.capacityBytes);
    const flags = constants.O_RDWR | constants.O_NOFOLLOW;
    return await DigestJournal.#open({ path, flags, digests }, async (journal) => {
      const header = await journal.#read(0, HEADER_BYTES);
      if (!header.equals(encodeHeader(at.capacityBytes))) {
        throw damagedImage('its digests are not those of this disk');
      }
      while (journal.#endBytes < at.endBytes) await journal.#readBatch(at.endBytes);
      await journal.#handle.truncate(at.endBytes);
    });
  }

  static async #open(
    options: { readonly path: string; readonly flags: number; readonly digests: DiskDigests },
    begin: (journal: DigestJournal) => Promise<void>,
  ): Promise<DigestJournal> {
    let journal: DigestJournal | undefined;
    try {
      journal = new DigestJournal(await open(options.path, options.flags, MODE), options.digests);
      await begin(journal);
      return journal;
    } catch (thrown) {
      await journal?.[Symbol.asyncDispose]();
      throw toDiskFailure(thrown);
    }
  }

  /** When it returns, the digests are on the disk. Answers where they end there. */
  async save(): Promise<number> {
    const extents = this.digests.takeChanged();
    if (extents.length === 0) return this.#endBytes;
    const records = Buffer.alloc(extents.length * RECORD_BYTES);
    for (const [index, extent] of extents.entries()) {
      records.writeUInt32LE(extent, index * RECORD_BYTES);
      records.set(this.digests.digestOf(extent), index * RECORD_BYTES + 4);
    }
    const header = Buffer.alloc(BATCH_HEADER_BYTES);
    header.writeUInt32LE(extents.length, 0);
    header.writeUInt32LE(crc32(records), 4);
    try {
      await this.#write(this.#endBytes, Buffer.concat([header, records]));
      await this.#handle.datasync();
    } catch (thrown) {
      throw toDiskFailure(thrown);
    }
    this.#endBytes += BATCH_HEADER_BYTES + records.byteLength;
    return this.#endBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #readBatch(endBytes: number): Promise<void> {
    const header = await this.#read(this.#endBytes, BATCH_HEADER_BYTES);
    const count = header.readUInt32LE(0);
    const end = this.#endBytes + BATCH_HEADER_BYTES + count * RECORD_BYTES;
    const extents = Math.ceil(this.digests.capacityBytes / EXTENT_BYTES);
    if (count === 0 || count > extents || end > endBytes) throw damagedImage(CONTRADICTORY);
    const records = await this.#read(this.#endBytes + BATCH_HEADER_BYTES, count * RECORD_BYTES);
    if (crc32(records) !== header.readUInt32LE(4)) throw damagedImage(CONTRADICTORY);
    for (let at = 0; at < records.byteLength; at += RECORD_BYTES) {
      const extent = records.readUInt32LE(at);
      if (extent >= extents) throw damagedImage(CONTRADICTORY);
      this.digests.restore(extent, records.subarray(at + 4, at + RECORD_BYTES));
    }
    this.#endBytes = end;
  }

  async #read(position: number, length: number): Promise<Buffer> {
    const data = Buffer.alloc(length);
    for (let at = 0; at < length;) {
      const { bytesRead } = await this.#handle.read(data, at, length - at, position + at);
      if (bytesRead === 0) throw damagedImage('its digests are cut off');
      at += bytesRead;
    }
    return data;
  }

  async #write(position: number, data: Buffer): Promise<void> {
    for (let at = 0; at < data.byteLength;) {
      const { bytesWritten } = await this.#handle.write(data, at, data.length - at, position + at);
      at += bytesWritten;
    }
  }
}

function encodeHeader(capacityBytes: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.set(MAGIC);
  header.writeBigUInt64LE(BigInt(capacityBytes), MAGIC.byteLength);
  return header;
}
