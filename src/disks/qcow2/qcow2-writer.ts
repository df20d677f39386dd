/**
 * A qcow2 image of version 3: clusters of 64 KiB in the order in which they came, those that are
 * zero left out, and compressed if that is asked for. Where things are, and why a flush can be
 * gone back to, is told in `qcow2-writer-layout.ts`.
 */
import type { DiskMark, DiskWriter } from '#disks/disk-writer.ts';
import { ImageFile, type LetGo } from '#disks/image-file.ts';
import { isZero } from '#disks/zero-detect.ts';
import { DroverError } from '#kernel/errors.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { Qcow2Clusters } from './qcow2-writer-clusters.ts';
import { readEntry, writeClusterEntry, writeCompressedEntry } from './qcow2-writer-entry.ts';
import {
  CLUSTER_BYTES,
  encodeQcow2Header,
  ENTRIES_PER_TABLE,
  ENTRY_BYTES,
  layOutQcow2,
  type Qcow2Layout,
} from './qcow2-writer-layout.ts';
import { Qcow2Press, type PressedCluster } from './qcow2-writer-press.ts';
import { resumeTables } from './qcow2-writer-resume.ts';
import { Qcow2Tables } from './qcow2-writer-tables.ts';

/** Clusters that came in part and wait for the rest: 4 MiB. */
const GATHERED = 64;

export interface Qcow2Options {
  /** From 1, fast, to 9, small; absent: not compressed. */
  readonly compressionLevel?: number | undefined;
  /** For who uses the memory of what was written again. */
  readonly letGo?: LetGo;
}

interface Parts {
  readonly file: ImageFile;
  readonly layout: Qcow2Layout;
  readonly clusters: Qcow2Clusters;
  readonly l1: Buffer;
}

interface Gathered {
  readonly data: Buffer;
  bytes: number;
}

export class Qcow2Writer implements DiskWriter {
  readonly capacityBytes: number;
  readonly #file: ImageFile;
  readonly #clusters: Qcow2Clusters;
  readonly #tables: Qcow2Tables;
  readonly #press: Qcow2Press | undefined;
  readonly #letGo: LetGo;
  /** Only while compressing: what came in part is compressed when it is whole. */
  readonly #gathered = new Map<number, Gathered>();
  /** Where the next compressed cluster goes, up to the end of a cluster of the file. */
  #room = { offset: 0, bytes: 0 };
  /** A table may have to be read in the middle of a write, and nobody else may come in between. */
  readonly #queue = new SerialQueue();

  private constructor({ file, layout, clusters, l1 }: Parts, options: Qcow2Options) {
    this.#file = file;
    this.#clusters = clusters;
    this.#tables = new Qcow2Tables({ file, layout, clusters, l1 });
    const { compressionLevel, letGo = () => undefined } = options;
    this.#letGo = letGo;
    this.#press = compressionLevel === undefined ? undefined : new Qcow2Press(compressionLevel);
    this.capacityBytes = layout.capacityBytes;
  }

  static async create(
    path: string,
    capacityBytes: number,
    options: Qcow2Options = {},
  ): Promise<Qcow2Writer> {
    const layout = layOutQcow2(capacityBytes);
    const file = await ImageFile.create(path, options.letGo);
    try {
      await file.write(0, encodeQcow2Header(layout));
      await file.syncName();
      const clusters = Qcow2Clusters.create(file, layout);
      const l1 = Buffer.alloc(layout.l1Entries * ENTRY_BYTES);
      return new Qcow2Writer({ file, layout, clusters, l1 }, options);
    } catch (thrown) {
      await file[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  static async resume(
    path: string,
    at: { readonly capacityBytes: number; readonly endBytes: number },
    options: Qcow2Options = {},
  ): Promise<Qcow2Writer> {
    const layout = layOutQcow2(at.capacityBytes);
    const file = await ImageFile.reopen(path, at.endBytes, options.letGo);
    try {
      const resumed = await resumeTables(file, layout, at.endBytes);
      const clusters = Qcow2Clusters.resume(file, layout, resumed.clusters);
      return new Qcow2Writer({ file, layout, clusters, l1: resumed.l1 }, options);
    } catch (thrown) {
      await file[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  get writtenBytes(): number {
    return this.#file.writtenBytes;
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    await this.#queue.run(() => this.#write(offset, data));
  }

  async flush(): Promise<DiskMark> {
    return await this.#queue.run(() => this.#flush());
  }

  async finish(): Promise<void> {
    await this.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.idle();
    await this.#file[Symbol.asyncDispose]();
  }

  async #write(offset: number, data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.byteLength;) {
      const start = (offset + at) % CLUSTER_BYTES;
      const cluster = (offset + at - start) / CLUSTER_BYTES;
      const end = Math.min(data.byteLength, at + CLUSTER_BYTES - start);
      await this.#writeWithin(cluster, start, data.subarray(at, end));
      at = end;
    }
    if (this.#file.isFull) await this.#file.room();
  }

  async #writeWithin(cluster: number, start: number, data: Uint8Array): Promise<void> {
    // A part that is zero may be what another part waits for.
    if (isZero(data) && !this.#gathered.has(cluster)) {
      this.#letGo(data);
      return;
    }
    const table = this.#tables.peek(cluster) ?? (await this.#tables.load(cluster));
    const entry = readEntry(table.entries, cluster % ENTRIES_PER_TABLE);
    if (entry.kind === 'cluster') this.#file.append(entry.offset + start, data);
    else if (entry.kind !== 'empty') throw writtenTwice(cluster);
    else if (data.byteLength === this.#bytesOf(cluster)) await this.#add(cluster, data);
    else if (this.#press === undefined) await this.#placePlain(cluster, start, data);
    else await this.#gather(cluster, start, data);
  }

  async #add(cluster: number, data: Uint8Array): Promise<void> {
    if (this.#press === undefined) {
      await this.#placePlain(cluster, 0, data);
      return;
    }
    if (this.#press.isFull) await this.#placeNext(this.#press);
    this.#press.add(cluster, data);
  }

  async #gather(cluster: number, start: number, data: Uint8Array): Promise<void> {
    const [oldest] = this.#gathered.keys();
    if (oldest !== undefined && this.#gathered.size >= GATHERED && !this.#gathered.has(cluster)) {
      await this.#endGathering(oldest);
    }
    const gathered = this.#gathered.get(cluster) ?? {
      data: Buffer.alloc(this.#bytesOf(cluster)),
      bytes: 0,
    };
    this.#gathered.set(cluster, gathered);
    gathered.data.set(data, start);
    this.#letGo(data);
    gathered.bytes += data.byteLength;
    if (gathered.bytes < gathered.data.byteLength) return;
    this.#gathered.delete(cluster);
    await this.#add(cluster, gathered.data);
  }

  /** What came of it is written as it is, so that the rest can still be put beside it. */
  async #endGathering(cluster: number): Promise<void> {
    const gathered = this.#gathered.get(cluster);
    this.#gathered.delete(cluster);
    if (gathered !== undefined) await this.#placePlain(cluster, 0, gathered.data);
  }

  /** What of the cluster is not written stays a hole, which is zero. */
  async #placePlain(cluster: number, start: number, data: Uint8Array): Promise<void> {
    const table = this.#tables.peek(cluster) ?? (await this.#tables.load(cluster));
    const offset = this.#clusters.allocate();
    this.#file.append(offset + start, data);
    writeClusterEntry(table.entries, cluster % ENTRIES_PER_TABLE, offset);
    table.isDirty = true;
  }

  async #placeNext(press: Qcow2Press): Promise<boolean> {
    const next = await press.take();
    if (next === undefined) return false;
    if (next.pressed === undefined) await this.#placePlain(next.cluster, 0, next.data);
    else {
      await this.#placePressed(next.cluster, next.pressed);
      this.#letGo(next.data);
    }
    return true;
  }

  async #placePressed(cluster: number, pressed: NonNullable<PressedCluster['pressed']>) {
    const table = this.#tables.peek(cluster) ?? (await this.#tables.load(cluster));
    const bytes = pressed.byteLength;
    const offset = this.#findRoom(bytes);
    this.#file.append(offset, pressed);
    writeCompressedEntry(table.entries, cluster % ENTRIES_PER_TABLE, { offset, bytes });
    table.isDirty = true;
  }

  /** Behind the one before, if need be into the next cluster, as long as that is right behind. */
  #findRoom(bytes: number): number {
    const { offset, bytes: left } = this.#room;
    if (bytes <= left) {
      this.#clusters.share(offset);
      this.#room = { offset: offset + bytes, bytes: left - bytes };
      return offset;
    }
    const next = this.#clusters.allocate();
    const isBehind = left > 0 && next === offset + left;
    if (isBehind) this.#clusters.share(offset);
    const start = isBehind ? offset : next;
    this.#room = { offset: start + bytes, bytes: next + CLUSTER_BYTES - start - bytes };
    return start;
  }

  async #flush(): Promise<DiskMark> {
    for (const cluster of this.#gathered.keys()) await this.#endGathering(cluster);
    if (this.#press !== undefined) while (await this.#placeNext(this.#press));
    // What comes after a mark shares no cluster of the file with what came before it.
    this.#room = { offset: 0, bytes: 0 };
    await this.#tables.flush();
    await this.#clusters.flush();
    await this.#file.setLength(this.#clusters.endOffset);
    await this.#file.sync();
    return { format: 'qcow2', endBytes: this.#clusters.endOffset };
  }

  #bytesOf(cluster: number): number {
    return Math.min(CLUSTER_BYTES, this.capacityBytes - cluster * CLUSTER_BYTES);
  }
}

function writtenTwice(cluster: number): DroverError {
  return new DroverError('internal', 'a part of the disk was written twice', {
    context: { cluster },
  });
}
