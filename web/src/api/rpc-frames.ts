/** Messages on a stream of the Connect protocol, each in a frame. */

/** One byte of flags, four of length. */
const HEAD_BYTES = 5;
const END_OF_STREAM = 2;
const MOST_FRAME_BYTES = 16 * 1024 * 1024;

export function toFrame(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  const frame = new Uint8Array(HEAD_BYTES + bytes.byteLength);
  new DataView(frame.buffer).setUint32(1, bytes.byteLength);
  frame.set(bytes, HEAD_BYTES);
  return frame;
}

export interface Frame {
  readonly isEnd: boolean;
  readonly text: string;
}

/** Frames may be cut anywhere on their way. */
export async function* readFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const decoder = new TextDecoder();
  let pending = new Uint8Array(0);
  for await (const bytes of stream) {
    const joined = new Uint8Array(pending.byteLength + bytes.byteLength);
    joined.set(pending);
    joined.set(bytes, pending.byteLength);
    pending = joined;
    while (pending.byteLength >= HEAD_BYTES) {
      const length = new DataView(pending.buffer, pending.byteOffset).getUint32(1);
      if (length > MOST_FRAME_BYTES) throw new Error('a message of the stream is too long');
      if (pending.byteLength < HEAD_BYTES + length) break;
      const flags = pending[0] ?? 0;
      const text = decoder.decode(pending.subarray(HEAD_BYTES, HEAD_BYTES + length));
      pending = pending.subarray(HEAD_BYTES + length);
      yield { isEnd: (flags & END_OF_STREAM) !== 0, text };
    }
  }
}
