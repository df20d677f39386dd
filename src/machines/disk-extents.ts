/**
 * A part of a disk in which zeros do not travel: extents, one after the other, from the offset of
 * the part on, and none of them empty.
 *
 *   kind (1 byte: 0 zeros, 1 data) · length (6 bytes, big-endian) · as many bytes, if it is data
 *
 * What came before it breaks off is as good as any other bytes of the disk: whoever goes on begins
 * with an extent of his own.
 */
import { invalidArgument } from '#kernel/errors.ts';

export const EXTENTS_TYPE = 'application/vnd.drover.extents';

export interface Zeros {
  readonly zeros: number;
}

const EXTENT_HEAD_BYTES = 7;
const LENGTH_BYTES = 6;
const ZEROS = 0;
const DATA = 1;

export function encodeExtent(kind: 'zeros' | 'data', length: number): Buffer {
  const head = Buffer.alloc(EXTENT_HEAD_BYTES);
  head.writeUInt8(kind === 'zeros' ? ZEROS : DATA, 0);
  head.writeUIntBE(length, 1, LENGTH_BYTES);
  return head;
}

/** `onLength` is told of each extent before any of it, and throws when that is too much. */
export async function* decodeExtents(
  body: AsyncIterable<Uint8Array>,
  onLength: (length: number) => void,
): AsyncGenerator<Uint8Array | Zeros, void, undefined> {
  const head = Buffer.alloc(EXTENT_HEAD_BYTES);
  let headBytes = 0;
  let dataLeft = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length;) {
      if (dataLeft > 0) {
        const data = chunk.subarray(at, at + dataLeft);
        at += data.length;
        dataLeft -= data.length;
        yield data;
        continue;
      }
      const more = chunk.subarray(at, at + EXTENT_HEAD_BYTES - headBytes);
      head.set(more, headBytes);
      at += more.length;
      headBytes += more.length;
      if (headBytes < EXTENT_HEAD_BYTES) continue;
      headBytes = 0;
      const { kind, length } = parseHead(head);
      onLength(length);
      if (kind === ZEROS) yield { zeros: length };
      else dataLeft = length;
    }
  }
  if (headBytes > 0 || dataLeft > 0) throw wrong('ends inside an extent');
}

function parseHead(head: Buffer): { readonly kind: number; readonly length: number } {
  const [kind, length] = [head.readUInt8(0), head.readUIntBE(1, LENGTH_BYTES)];
  if (kind !== ZEROS && kind !== DATA) throw wrong(`has an extent of the kind ${kind}`);
  if (length === 0) throw wrong('has an extent of no bytes');
  return { kind, length };
}

function wrong(what: string): Error {
  return invalidArgument('the body', `${what}; it must be extents, as ${EXTENTS_TYPE} has them`);
}
