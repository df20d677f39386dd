/** What was asked of an NBD server, and how much of the answer has come. */
import { brokenProtocol, CHUNK, readWhole, STATE_ZERO } from './nbd-messages.ts';
import type { NbdStream } from './nbd-stream.ts';

/** Of one reply: a server that sends a sector at a time sends fewer. */
const MOST_PIECES = 8192;
const MOST_STRETCHES = 128 * 1024;

export interface Stretch {
  readonly offset: number;
  readonly length: number;
  readonly isZero: boolean;
}

interface Chunk {
  readonly type: number;
  readonly length: number;
}

abstract class PendingRequest {
  readonly offset: number;
  readonly length: number;
  readonly done: Promise<void>;
  readonly #resolve: () => void;
  readonly #reject: (reason: Error) => void;

  constructor(offset: number, length: number) {
    this.offset = offset;
    this.length = length;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // It may fail before anybody waits for it.
    promise.catch(() => undefined);
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  fulfil(): void {
    this.#resolve();
  }

  /** Of several reasons the first counts. */
  fail(reason: Error): void {
    this.#reject(reason);
  }
}

export class PendingRead extends PendingRequest {
  readonly target: Uint8Array;
  readonly #pieces: { readonly start: number; readonly end: number }[] = [];

  constructor(offset: number, target: Uint8Array) {
    super(offset, target.byteLength);
    this.target = target;
  }

  get what(): string {
    return `reading ${this.length} bytes at ${this.offset}`;
  }

  async take({ type, length }: Chunk, stream: NbdStream): Promise<void> {
    if (type === CHUNK.none && length === 0) return;
    if (type === CHUNK.data && length > 8 && length <= 8 + this.length) {
      const start = readWhole(await stream.read(8), 0) - this.offset;
      await stream.fill(this.#piece(start, length - 8));
      return;
    }
    if (type === CHUNK.hole && length === 12) {
      const body = await stream.read(12);
      this.#piece(readWhole(body, 0) - this.offset, body.readUInt32BE(8)).fill(0);
      return;
    }
    throw brokenProtocol(`a read is answered by ${length} bytes of the kind ${type}`);
  }

  /** No more comes. */
  close(): void {
    let at = 0;
    for (const { start, end } of this.#pieces.toSorted((a, b) => a.start - b.start)) {
      if (start !== at) break;
      at = end;
    }
    if (at === this.length) this.fulfil();
    else this.fail(brokenProtocol(`${this.what} it sent something else`));
  }

  #piece(start: number, length: number): Uint8Array {
    const end = start + length;
    if (start < 0 || length === 0 || end > this.length || this.#pieces.length >= MOST_PIECES) {
      throw brokenProtocol(`${this.what} it sent what lies elsewhere`);
    }
    this.#pieces.push({ start, end });
    return this.target.subarray(start, end);
  }
}

export class PendingStatus extends PendingRequest {
  readonly stretches: Stretch[] = [];
  readonly #context: number;

  constructor(asked: { readonly offset: number; readonly length: number; context: number }) {
    super(asked.offset, asked.length);
    this.#context = asked.context;
  }

  get what(): string {
    return `asking what is allocated at ${this.offset}`;
  }

  async take({ type, length }: Chunk, stream: NbdStream): Promise<void> {
    if (type === CHUNK.none && length === 0) return;
    const isWhole = length >= 12 && length % 8 === 4 && length <= 4 + 8 * MOST_STRETCHES;
    if (type !== CHUNK.blockStatus || !isWhole || this.stretches.length > 0) {
      throw brokenProtocol(`${this.what} it sent ${length} bytes of the kind ${type}`);
    }
    const body = await stream.read(length);
    if (body.readUInt32BE(0) !== this.#context) {
      throw brokenProtocol('it tells of something else than what is allocated');
    }
    let { offset } = this;
    for (let at = 4; at < length; at += 8) {
      const bytes = body.readUInt32BE(at);
      if (bytes === 0) throw brokenProtocol('it tells of stretches without a length');
      const isZero = (body.readUInt32BE(at + 4) & STATE_ZERO) !== 0;
      this.stretches.push({ offset, length: bytes, isZero });
      offset += bytes;
    }
  }

  /** No more comes. */
  close(): void {
    if (this.stretches.length > 0) this.fulfil();
    else this.fail(brokenProtocol(`${this.what} it said nothing`));
  }
}
