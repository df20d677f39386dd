/**
 * Reads a stream-optimized VMDK as it arrives, once and from its beginning:
 *
 *   header → descriptor → ( grain* table )* → directory → footer → end marker
 *
 * Grains are inflated in batches, side by side, and handed on in the order they came. The stream
 * is complete when the end marker was there, the footer agrees with the header and says where the
 * directory was, and the tables name as many grains as came, at the places where they came. A
 * writer that could seek puts directory and tables before the grains: then these prove it, at the
 * end.
 */
import type { ByteStream } from '#disks/byte-source.ts';
import type { DiskChunk, DiskReader, ReadDiskOptions } from '#disks/disk-reader.ts';
import { damagedImage, unreadableImage } from '#disks/image-errors.ts';
import { ByteSplitter } from '#disks/stream/byte-splitter.ts';
import { inOrder } from '#disks/stream/ordered-window.ts';
import { DiskWork } from '#disks/work/disk-work.ts';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import { assertWholeDisk } from './descriptor.ts';
import {
  cutBefore,
  GrainCollector,
  inflateBatch,
  mostCompressedBytes,
  type GrainBatch,
} from './grain-batch.ts';
import { GrainsSeen } from './grains-seen.ts';
import {
  assertFooterAgrees,
  parseSparseHeader,
  SECTOR_BYTES,
  type SparseHeader,
} from './sparse-header.ts';
import {
  paddingAfter,
  takeMarker,
  type GrainMarker,
  type MetadataMarker,
} from './stream-markers.ts';
import { StreamTally } from './stream-tally.ts';

/** After the end marker, up to what an archive or a writer may pad with. */
const MOST_PADDING_BYTES = MIB;
/** A directory may be written out to a round size. */
const MOST_SPARE_BYTES = MIB;
const ENTRIES_IN_SECTOR = SECTOR_BYTES / 4;
/** Enough for two threads to have something to do while more comes. */
const BATCHES_AT_ONCE = 6;

export interface ReadStreamOptions {
  readonly signal: AbortSignal;
  /** How many batches of grains, of a MiB each, are inflated at a time. */
  readonly batchesAtOnce?: number;
  /** Where the capacity is known from elsewhere, a stream of another is refused. */
  readonly expectedCapacity?: number;
}

/** Resolves when the header has come, so that the capacity is known. */
export async function readStreamOptimized(
  bytes: ByteStream,
  options: ReadStreamOptions,
): Promise<DiskReader> {
  await using stack = new AsyncDisposableStack();
  const splitter = stack.use(new ByteSplitter(bytes, options.signal));
  const header = parseSparseHeader(await splitter.take(SECTOR_BYTES, 'the header'));
  if (!header.isCompressed) {
    throw unreadableImage('a sparse VMDK that is no stream can be read from a file only');
  }
  const { expectedCapacity = header.capacityBytes, batchesAtOnce = BATCHES_AT_ONCE } = options;
  if (header.capacityBytes !== expectedCapacity) {
    const [is, expected] = [header.capacityBytes, expectedCapacity];
    throw damagedImage(`it holds a disk of ${is} bytes, and one of ${expected} was expected`);
  }
  const { descriptor } = header;
  if (descriptor !== undefined) {
    if (descriptor.offset + descriptor.bytes > header.overheadBytes) {
      throw damagedImage('its descriptor lies among the grains');
    }
    await splitter.skip(descriptor.offset - splitter.position, 'the header');
    assertWholeDisk(await splitter.take(descriptor.bytes, 'the descriptor'));
  }
  stack.move();
  return new StreamOptimizedReader(splitter, header, batchesAtOnce);
}

class StreamOptimizedReader implements DiskReader {
  readonly capacityBytes: number;
  readonly #splitter: ByteSplitter;
  readonly #header: SparseHeader;
  readonly #batchesAtOnce: number;
  readonly #tally: StreamTally;
  readonly #seen = new GrainsSeen();
  /** Where the directory came by, when it has. */
  #directoryAt: number | undefined;
  #footer: SparseHeader | undefined;
  #isBegun = false;

  constructor(splitter: ByteSplitter, header: SparseHeader, batchesAtOnce: number) {
    this.capacityBytes = header.capacityBytes;
    this.#splitter = splitter;
    this.#header = header;
    this.#batchesAtOnce = batchesAtOnce;
    this.#tally = new StreamTally(header.tableEntries);
  }

  async *chunks(options: ReadDiskOptions): AsyncGenerator<DiskChunk, void, undefined> {
    const { fromOffset = 0, signal, work = DiskWork.alone() } = options;
    if (this.#isBegun) {
      throw new DroverError('failed_precondition', 'a stream of a disk can be read only once');
    }
    this.#isBegun = true;
    this.#splitter.obey(signal);
    const inflate = async (batch: GrainBatch) => {
      const chunks = await inflateBatch(batch, this.#header, work);
      work.giveBack(batch.packed);
      return chunks;
    };
    const batches = this.#batches(new GrainCollector(work, this.#header.grainBytes));
    for await (const chunks of inOrder(batches, inflate, this.#batchesAtOnce)) {
      for (const chunk of chunks) {
        signal.throwIfAborted();
        const wanted = cutBefore(fromOffset, chunk, work);
        if (wanted !== undefined) yield wanted;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#splitter[Symbol.asyncDispose]();
  }

  async *#batches(collector: GrainCollector): AsyncGenerator<GrainBatch, void, undefined> {
    const hasFrontTables = await this.#takeOverhead();
    let isEnded = false;
    while (!isEnded && !(await this.#splitter.isAtEnd())) {
      const position = this.#splitter.position;
      const marker = await takeMarker(this.#splitter);
      if (marker.kind === 'grain') {
        this.#countGrain(marker, position);
        const full = collector.hasRoomFor(marker.dataBytes) ? undefined : collector.take();
        if (full !== undefined) yield full;
        await this.#takeGrain(marker, collector.add(marker.diskOffset, marker.dataBytes));
      } else if (marker.kind === 'end') {
        await this.#takePadding();
        isEnded = true;
      } else {
        await this.#takeMetadata(marker);
      }
    }
    const rest = collector.take();
    if (rest !== undefined) yield rest;
    this.#assertComplete({ isEnded, hasFrontTables });
  }

  /** What lies before the grains; true if the tables are there. */
  async #takeOverhead(): Promise<boolean> {
    const { directoryOffset, overheadBytes } = this.#header;
    const hasFrontTables = directoryOffset !== undefined && directoryOffset < overheadBytes;
    if (hasFrontTables) await this.#takeFrontTables(directoryOffset);
    await this.#skipTo(overheadBytes);
    return hasFrontTables;
  }

  /** The directory, and right behind it all its tables. */
  async #takeFrontTables(directoryOffset: number): Promise<void> {
    const { directoryEntries, tableEntries } = this.#header;
    const tableBytes = toSectors(tableEntries * 4);
    const tablesAt = directoryOffset + this.#directoryBytes();
    await this.#skipTo(directoryOffset);
    for (let index = 0; index < directoryEntries; index += 1) {
      const entry = toView(await this.#splitter.take(4, 'the directory')).getUint32(0, true);
      if (entry * SECTOR_BYTES === tablesAt + index * tableBytes) continue;
      throw unreadableImage('its grain tables are in no order that a stream can be checked by');
    }
    await this.#skipTo(tablesAt);
    for (let index = 0; index < directoryEntries; index += 1) {
      const here = this.#splitter.takeNow(tableBytes);
      const table = here ?? (await this.#splitter.take(tableBytes, 'a grain table'));
      this.#tally.addTableOf(index, table);
    }
  }

  async #skipTo(offset: number): Promise<void> {
    const { position } = this.#splitter;
    if (offset < position) throw damagedImage('the parts of its header lie over one another');
    await this.#splitter.skip(offset - position, 'what comes before the grains');
  }

  #directoryBytes(): number {
    return toSectors(this.#header.directoryEntries * 4);
  }

  #countGrain({ diskOffset, dataBytes }: GrainMarker, position: number): void {
    const { grainBytes, capacityBytes } = this.#header;
    if (diskOffset % grainBytes !== 0 || diskOffset >= capacityBytes) {
      throw damagedImage(`a grain for byte ${diskOffset} of the disk, where none can be`);
    }
    if (dataBytes > mostCompressedBytes(grainBytes)) {
      throw damagedImage(`the grain at byte ${diskOffset} of the disk says it is too long`);
    }
    this.#seen.add(diskOffset / grainBytes);
    this.#tally.addGrain(diskOffset / grainBytes, position / SECTOR_BYTES);
  }

  async #takeGrain(marker: GrainMarker, target: Uint8Array): Promise<void> {
    const splitter = this.#splitter;
    const data = splitter.takeNow(target.byteLength);
    if (data === undefined) await splitter.takeInto(target, 'a grain');
    else target.set(data);
    const padding = paddingAfter(marker);
    if (splitter.takeNow(padding) === undefined) await splitter.skip(padding, 'a grain');
  }

  async #takeMetadata(marker: MetadataMarker): Promise<void> {
    const splitter = this.#splitter;
    const at = splitter.position;
    const expected = {
      end: 0,
      table: toSectors(this.#header.tableEntries * 4),
      directory: this.#directoryBytes(),
      footer: SECTOR_BYTES,
    }[marker.kind];
    const mostBytes = expected + (marker.kind === 'directory' ? MOST_SPARE_BYTES : 0);
    if (marker.bytes < expected || marker.bytes > mostBytes) {
      throw damagedImage(`a ${marker.kind} of ${marker.bytes} bytes instead of ${expected}`);
    }
    if (marker.kind === 'directory') {
      if (this.#directoryAt !== undefined) throw damagedImage('a second directory in the stream');
      this.#directoryAt = at;
      await this.#takeDirectory(at + marker.bytes);
      return;
    }
    const bytes = await splitter.take(marker.bytes, `a ${marker.kind}`);
    if (marker.kind === 'table') this.#tally.addTable(at / SECTOR_BYTES, bytes);
    else this.#footer = parseSparseHeader(bytes);
  }

  /** What it has room for beyond its entries may hold anything. */
  async #takeDirectory(end: number): Promise<void> {
    const splitter = this.#splitter;
    let left = this.#header.directoryEntries * 4;
    for (let index = 0; left > 0; index += ENTRIES_IN_SECTOR) {
      const bytes = await splitter.take(SECTOR_BYTES, 'the directory');
      this.#tally.addDirectory(index, bytes.subarray(0, left));
      left -= SECTOR_BYTES;
    }
    await splitter.skip(end - splitter.position, 'the directory');
  }

  #assertComplete(stream: { readonly isEnded: boolean; readonly hasFrontTables: boolean }): void {
    const { isEnded, hasFrontTables } = stream;
    if (!isEnded && !hasFrontTables) {
      const after = this.#splitter.position;
      throw damagedImage(`the stream ends after ${after} bytes, without an end marker`);
    }
    if (isEnded) this.#assertFooter(hasFrontTables);
    this.#tally.assertComplete();
  }

  #assertFooter(hasFrontTables: boolean): void {
    const header = this.#header;
    const footer = this.#footer ?? header;
    if (!hasFrontTables && footer.directoryOffset === undefined) {
      throw damagedImage('the stream has no footer');
    }
    if (!hasFrontTables && footer.directoryOffset !== this.#directoryAt) {
      throw damagedImage('the directory of the stream is not where its footer says');
    }
    assertFooterAgrees(header, footer);
  }

  async #takePadding(): Promise<void> {
    const splitter = this.#splitter;
    const end = splitter.position;
    for (;;) {
      const rest = await splitter.takeSome(MOST_PADDING_BYTES);
      if (rest === undefined) return;
      if (rest.some((byte) => byte !== 0) || splitter.position - end > MOST_PADDING_BYTES) {
        throw damagedImage('the stream goes on after its end marker');
      }
    }
  }
}

function toView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function toSectors(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES;
}
