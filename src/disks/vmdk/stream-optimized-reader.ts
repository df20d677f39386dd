/**
 * Reads a stream-optimized VMDK as it arrives, once and from its beginning:
 *
 *   header → descriptor → ( grain* table )* → directory → footer → end marker
 *
 * Grains are inflated side by side and handed on in the order they came. The stream is complete
 * when the end marker was there, the footer agrees with the header and says where the directory
 * was, and the tables name as many grains as came, at the places where they came. A writer that
 * could seek puts directory and tables before the grains: then these prove it, at the end.
 */
import type { ByteStream } from '#disks/byte-source.ts';
import type { DiskChunk, DiskReader, ReadDiskOptions } from '#disks/disk-reader.ts';
import { damagedImage, unreadableImage } from '#disks/image-errors.ts';
import { ByteSplitter } from '#disks/stream/byte-splitter.ts';
import { inOrder } from '#disks/stream/ordered-window.ts';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import { assertWholeDisk } from './descriptor.ts';
import {
  GrainInflater,
  grainsAtOnce,
  mostCompressedBytes,
  type CompressedGrain,
} from './grain-inflater.ts';
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

export interface ReadStreamOptions {
  readonly signal: AbortSignal;
  /** How many grains are inflated at a time. */
  readonly concurrency?: number;
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
  const { expectedCapacity = header.capacityBytes, concurrency } = options;
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
  const grainsInFlight = concurrency ?? grainsAtOnce(header.grainBytes);
  stack.move();
  return new StreamOptimizedReader(splitter, header, grainsInFlight);
}

class StreamOptimizedReader implements DiskReader {
  readonly capacityBytes: number;
  readonly #splitter: ByteSplitter;
  readonly #header: SparseHeader;
  readonly #concurrency: number;
  readonly #tally: StreamTally;
  readonly #seen = new GrainsSeen();
  /** Where the directory came by, when it has. */
  #directoryAt: number | undefined;
  #footer: SparseHeader | undefined;
  #isBegun = false;

  constructor(splitter: ByteSplitter, header: SparseHeader, concurrency: number) {
    this.capacityBytes = header.capacityBytes;
    this.#splitter = splitter;
    this.#header = header;
    this.#concurrency = concurrency;
    this.#tally = new StreamTally(header.tableEntries);
  }

  async *chunks(options: ReadDiskOptions): AsyncGenerator<DiskChunk, void, undefined> {
    const { fromOffset = 0, signal } = options;
    if (this.#isBegun) {
      throw new DroverError('failed_precondition', 'a stream of a disk can be read only once');
    }
    this.#isBegun = true;
    this.#splitter.obey(signal);
    using inflater = new GrainInflater(this.#header.grainBytes);
    const inflate = async (grain: CompressedGrain) => ({
      offset: grain.diskOffset,
      data: await inflater.inflate(grain),
    });
    for await (const { offset, data } of inOrder(
      this.#grains(fromOffset),
      inflate,
      this.#concurrency,
    )) {
      signal.throwIfAborted();
      const skipped = Math.max(0, fromOffset - offset);
      yield { offset: offset + skipped, data: data.subarray(skipped) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#splitter[Symbol.asyncDispose]();
  }

  async *#grains(fromOffset: number): AsyncGenerator<CompressedGrain, void, undefined> {
    const hasFrontTables = await this.#takeOverhead();
    while (!(await this.#splitter.isAtEnd())) {
      const position = this.#splitter.position;
      const marker = await takeMarker(this.#splitter);
      if (marker.kind === 'end') {
        await this.#takePadding();
        return this.#assertComplete(hasFrontTables);
      }
      if (marker.kind !== 'grain') {
        await this.#takeMetadata(marker);
        continue;
      }
      const grain = await this.#takeGrain(marker, position);
      if (grain.diskOffset + grain.usedBytes > fromOffset) yield grain;
    }
    if (!hasFrontTables) {
      const after = this.#splitter.position;
      throw damagedImage(`the stream ends after ${after} bytes, without an end marker`);
    }
    this.#tally.assertComplete();
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

  async #takeGrain(marker: GrainMarker, position: number): Promise<CompressedGrain> {
    const { grainBytes, capacityBytes } = this.#header;
    const { diskOffset, dataBytes } = marker;
    if (diskOffset % grainBytes !== 0 || diskOffset >= capacityBytes) {
      throw damagedImage(`a grain for byte ${diskOffset} of the disk, where none can be`);
    }
    if (dataBytes > mostCompressedBytes(grainBytes)) {
      throw damagedImage(`the grain at byte ${diskOffset} of the disk says it is too long`);
    }
    this.#seen.add(diskOffset / grainBytes);
    this.#tally.addGrain(diskOffset / grainBytes, position / SECTOR_BYTES);
    const splitter = this.#splitter;
    const data = splitter.takeNow(dataBytes) ?? (await splitter.take(dataBytes, 'a grain'));
    const padding = paddingAfter(marker);
    if (splitter.takeNow(padding) === undefined) await splitter.skip(padding, 'a grain');
    const usedBytes = Math.min(grainBytes, capacityBytes - diskOffset);
    return { diskOffset, data, usedBytes };
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

  #assertComplete(hasFrontTables: boolean): void {
    const header = this.#header;
    const footer = this.#footer ?? header;
    if (!hasFrontTables && footer.directoryOffset === undefined) {
      throw damagedImage('the stream has no footer');
    }
    if (!hasFrontTables && footer.directoryOffset !== this.#directoryAt) {
      throw damagedImage('the directory of the stream is not where its footer says');
    }
    assertFooterAgrees(header, footer);
    this.#tally.assertComplete();
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
