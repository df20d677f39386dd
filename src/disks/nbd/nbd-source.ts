/** A disk that an NBD server of this host gives, as bytes that can be read from anywhere. */
import type { RangeSource } from '#disks/byte-source.ts';
import { untilAborted } from '#kernel/abort.ts';
import { DroverError } from '#kernel/errors.ts';
import { GIB } from '#kernel/units.ts';
import { NbdConnection, type NbdConnectionOptions } from './nbd-connection.ts';
import type { Stretch } from './nbd-pending.ts';

/** What is allocated of so much is asked for at once. */
const STATUS_BYTES = GIB;

export interface NbdSourceOptions extends NbdConnectionOptions {
  /** What the export holds behind is not read; one that ends before is refused. */
  readonly capacityBytes: number;
}

export class NbdSource implements RangeSource {
  readonly sizeBytes: number;
  readonly #connection: NbdConnection;
  /** As told last, and which of them is due. */
  #stretches: readonly Stretch[] = [];
  #next = 0;
  #isTold = true;
  #receivedBytes = 0;

  private constructor(connection: NbdConnection, sizeBytes: number) {
    this.#connection = connection;
    this.sizeBytes = sizeBytes;
  }

  static async open(options: NbdSourceOptions, signal: AbortSignal): Promise<NbdSource> {
    const { capacityBytes } = options;
    const connection = await NbdConnection.open(options, signal);
    const { sizeBytes } = connection.export;
    if (sizeBytes >= capacityBytes) return new NbdSource(connection, capacityBytes);
    connection[Symbol.dispose]();
    throw new DroverError(
      'failed_precondition',
      `the NBD server has ${sizeBytes} bytes of a disk of ${capacityBytes}`,
      { reason: 'DISK_TOO_SHORT' },
    );
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  async read(
    offset: number,
    length: number,
    signal: AbortSignal,
    target: Uint8Array = Buffer.allocUnsafe(length),
  ): Promise<Uint8Array> {
    const { mostBytes } = this.#connection.export;
    for (let at = 0; at < length; at += mostBytes) {
      const part = target.subarray(at, Math.min(at + mostBytes, length));
      await untilAborted(this.#connection.read(offset + at, part), signal);
      this.#receivedBytes += part.length;
    }
    return target;
  }

  async nextData(
    offset: number,
    signal: AbortSignal,
  ): Promise<{ readonly offset: number; readonly length: number } | undefined> {
    for (let at = offset; at < this.sizeBytes;) {
      const stretch = await this.#stretchAt(at, signal);
      const end = Math.min(stretch.offset + stretch.length, this.sizeBytes);
      if (!stretch.isZero) return { offset: at, length: end - at };
      at = end;
    }
    return undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#connection[Symbol.dispose]();
    return Promise.resolve();
  }

  /** The one that holds the offset. Whoever copies a disk asks in ascending order. */
  async #stretchAt(at: number, signal: AbortSignal): Promise<Stretch> {
    while (endOf(this.#stretches[this.#next]) <= at) this.#next += 1;
    const known = this.#stretches[this.#next];
    if (known !== undefined && known.offset <= at) return known;
    const rest = { offset: at, length: this.sizeBytes - at, isZero: false };
    if (!this.#isTold) return rest;
    try {
      const length = Math.min(rest.length, STATUS_BYTES);
      this.#stretches = await untilAborted(this.#connection.allocation(at, length), signal);
      this.#next = 0;
      return this.#stretches[0] ?? rest;
    } catch {
      signal.throwIfAborted();
      // What is not known to be empty is read; so a server that cannot tell costs only time.
      this.#isTold = false;
      return rest;
    }
  }
}

function endOf(stretch: Stretch | undefined): number {
  return stretch === undefined ? Infinity : stretch.offset + stretch.length;
}
