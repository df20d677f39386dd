/**
 * The frames in which Connect sends the messages of a stream:
 *
 *   flags (1 byte) · length (4 bytes, big endian) · JSON        flag 2: the end, and how it came
 */
import { isMap } from './remote-error.ts';

const HEAD_BYTES = 5;
const END = 2;

export interface Frames {
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  /** What the stream ended with, if not well. */
  readonly error: unknown;
}

export function toFrame(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** Throws when they do not end as they should. */
export function readFrames(bytes: Buffer): Frames {
  const messages: Readonly<Record<string, unknown>>[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length;) {
    const flags = bytes.readUInt8(at);
    const end = at + HEAD_BYTES + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    const message = JSON.parse(bytes.toString('utf8', at + HEAD_BYTES, end)) as unknown;
    if (!isMap(message)) break;
    if ((flags & END) !== 0) return { messages, error: message['error'] };
    messages.push(message);
    at = end;
  }
  throw new Error('the stream broke off');
}
