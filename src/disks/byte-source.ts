/** Where the bytes of an image come from: a file, a server that knows ranges, or memory. */

export interface RangeSource extends AsyncDisposable {
  readonly sizeBytes: number;
  /**
   * Exactly as many bytes as were asked for, or it throws. They may be put into `target`, which is
   * as long; whoever gives one looks at what is returned all the same.
   */
  read(
    offset: number,
    length: number,
    signal: AbortSignal,
    target?: Uint8Array,
  ): Promise<Uint8Array>;
  /**
   * The next stretch at or after `offset` that is not known to be a hole; undefined when there is
   * none. A source that knows of no holes answers all that is left.
   */
  nextData(
    offset: number,
    signal: AbortSignal,
  ): Promise<{ readonly offset: number; readonly length: number } | undefined>;
}

/**
 * Bytes that come once and in order: the body of an answer, a member of an archive. Each part may
 * be written over when the next is asked for.
 */
export type ByteStream = AsyncIterable<Uint8Array>;
