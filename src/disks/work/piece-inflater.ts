/**
 * Inflates pieces, each a zlib stream that is whole by itself, into memory that is there already.
 * Node has no documented call for that: `inflateSync` sets up a new stream for each piece and
 * answers with new memory, which for grains of a disk takes half as long again and leaves so much
 * garbage that a copy takes twice the memory. So what `inflateSync` itself calls is called here,
 * after a look at whether it is there. Where it is not, `inflateSync` does the work.
 */
import { constants, createInflate, inflateSync, type Inflate } from 'node:zlib';

/** What of a stream of Node's is not documented. */
interface Handle {
  writeSync(
    ...args: readonly [
      flush: number,
      from: Uint8Array,
      fromAt: number,
      fromBytes: number,
      into: Uint8Array,
      intoAt: number,
      intoBytes: number,
    ]
  ): void;
  reset(): void;
  onerror: (message: string) => void;
}

interface Bare {
  readonly stream: Inflate;
  readonly handle: Handle;
  /** After a call: how much room was left in `into`, and how much of `from`. */
  readonly left: Uint32Array;
}

/** Its output is never looked at. */
const LEAST_CHUNK_BYTES = 64;

export class PieceInflater implements Disposable {
  #bare: Bare | undefined;
  readonly #openBare: () => Bare | undefined;
  readonly #beyond = new Uint8Array(1);

  constructor(open: () => Bare | undefined = openBare) {
    this.#openBare = open;
  }

  /** Whether Node has what it needs to use a stream again. */
  get isReusing(): boolean {
    this.#bare ??= this.#openBare();
    return this.#bare !== undefined;
  }

  /** How long it became. Throws for what is damaged, cut off, or longer than `into`. */
  inflate(packed: Uint8Array, into: Uint8Array): number {
    this.#bare ??= this.#openBare();
    if (this.#bare === undefined) return inflateAnew(packed, into);
    try {
      return this.#inflate(this.#bare, packed, into);
    } catch (thrown) {
      // After a failure a stream is not used again.
      this[Symbol.dispose]();
      throw thrown;
    }
  }

  #inflate({ handle, left }: Bare, packed: Uint8Array, into: Uint8Array): number {
    const failures: string[] = [];
    handle.onerror = (message) => failures.push(message);
    const write = (at: number, target: Uint8Array): number => {
      const { byteLength: room } = target;
      handle.writeSync(constants.Z_FINISH, packed, at, packed.byteLength - at, target, 0, room);
      const [failure] = failures;
      if (failure !== undefined) throw new Error(failure);
      return room - (left[0] ?? room);
    };
    handle.reset();
    const bytes = write(0, into);
    // When all room was used, only another call tells whether that was the end.
    const isFull = bytes === into.byteLength;
    if (isFull && write(packed.byteLength - (left[1] ?? 0), this.#beyond) > 0) {
      throw new Error('it is too long');
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#bare?.stream.destroy();
    this.#bare = undefined;
  }
}

function inflateAnew(packed: Uint8Array, into: Uint8Array): number {
  const { byteLength } = into;
  const bytes = inflateSync(packed, { chunkSize: byteLength + 64, maxOutputLength: byteLength });
  into.set(bytes);
  return bytes.byteLength;
}

function openBare(): Bare | undefined {
  const stream = createInflate({ chunkSize: LEAST_CHUNK_BYTES });
  const handle: unknown = Reflect.get(stream, '_handle');
  const left: unknown = Reflect.get(stream, '_writeState');
  if (isHandle(handle) && left instanceof Uint32Array) return { stream, handle, left };
  stream.destroy();
  return undefined;
}

function isHandle(value: unknown): value is Handle {
  if (typeof value !== 'object' || value === null) return false;
  return ['writeSync', 'reset', 'onerror'].every(
    (name) => typeof Reflect.get(value, name) === 'function',
  );
}
