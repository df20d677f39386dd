/** A part of a source as a source of its own: a file inside of an archive. */
import type { RangeSource } from './byte-source.ts';
import { damagedImage } from './image-errors.ts';

export interface PartPlace {
  readonly offset: number;
  readonly length: number;
}

/** Disposing the part disposes the source. */
export function createSourcePart(source: RangeSource, { offset, length }: PartPlace): RangeSource {
  if (offset < 0 || length < 0 || offset + length > source.sizeBytes) {
    throw damagedImage(`the archive it is in ends after ${source.sizeBytes} bytes`);
  }
  return {
    sizeBytes: length,
    async read(at, bytes, signal, target) {
      if (at < 0 || at + bytes > length) throw damagedImage(`it ends after ${length} bytes`);
      return await source.read(offset + at, bytes, signal, target);
    },
    async nextData(at, signal) {
      if (at >= length) return undefined;
      const found = await source.nextData(offset + at, signal);
      if (found === undefined || found.offset >= offset + length) return undefined;
      const end = Math.min(found.offset + found.length, offset + length);
      return { offset: found.offset - offset, length: end - found.offset };
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
