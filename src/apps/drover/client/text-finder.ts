/** Finds a text in a stream of bytes, also where it lies across two pieces. */
export class TextFinder {
  readonly #wanted: Buffer | undefined;
  #tail = Buffer.alloc(0);

  /** Undefined is never found. */
  constructor(wanted: string | undefined) {
    this.#wanted = wanted === undefined ? undefined : Buffer.from(wanted);
  }

  isFoundIn(piece: Uint8Array): boolean {
    if (this.#wanted === undefined) return false;
    const joined = Buffer.concat([this.#tail, piece]);
    this.#tail = joined.subarray(Math.max(0, joined.length - this.#wanted.length + 1));
    return joined.includes(this.#wanted);
  }
}
