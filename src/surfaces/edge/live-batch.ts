/**
 * Messages that are told together, as the bytes that a WebSocket carries: made once, and sent in
 * one piece, however many they go to. What a server sends is not masked, and this is not
 * compressed, so that it is the same for everybody (RFC 6455, 5.2).
 */

export interface LiveMessage {
  /** A later message with the same key stands for this one. */
  readonly key: string;
  readonly text: string;
}

/** Whoever gets it answers, and so shows to be there. */
const PING = Buffer.from([0x89, 0]);

export class LiveBatch {
  readonly messages: readonly LiveMessage[];
  /** Whether a ping goes with them. */
  readonly hasPing: boolean;
  #bytes: Buffer | undefined;

  constructor(messages: readonly LiveMessage[], { hasPing = false } = {}) {
    this.messages = messages;
    this.hasPing = hasPing;
  }

  /** Not to be changed: it may still be on its way to somebody. */
  get bytes(): Buffer {
    if (this.#bytes === undefined) {
      const texts = encodeTexts(this.messages.map(({ text }) => text));
      this.#bytes = this.hasPing ? Buffer.concat([texts, PING]) : texts;
    }
    return this.#bytes;
  }
}

const MOST_LETTERS = 256 * 1024;

/** In pieces: after each it can be seen whether a client still takes what it is sent. */
export function toBatches(messages: readonly LiveMessage[]): readonly LiveBatch[] {
  const pieces: LiveMessage[][] = [];
  let letters = Infinity;
  for (const message of messages) {
    letters += message.text.length;
    if (letters > MOST_LETTERS) {
      pieces.push([]);
      letters = message.text.length;
    }
    pieces.at(-1)?.push(message);
  }
  return pieces.map((piece) => new LiveBatch(piece));
}

const WHOLE_TEXT = 0x81;
const SIZE_IN_16_BITS = 126;
const SIZE_IN_64_BITS = 127;
const MOST_IN_16_BITS = 2 ** 16 - 1;

/** A frame for each, one after the other. */
export function encodeTexts(texts: readonly string[]): Buffer {
  const sizes = texts.map((text) => Buffer.byteLength(text));
  const total = sizes.reduce((sum, size) => sum + headSize(size) + size, 0);
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  texts.forEach((text, index) => {
    at = writeHead(bytes, at, sizes[index] ?? 0);
    at += bytes.write(text, at);
  });
  return bytes;
}

function headSize(size: number): number {
  if (size < SIZE_IN_16_BITS) return 2;
  return size <= MOST_IN_16_BITS ? 4 : 10;
}

/** Answers where the text goes. */
function writeHead(bytes: Buffer, at: number, size: number): number {
  bytes[at] = WHOLE_TEXT;
  if (size < SIZE_IN_16_BITS) {
    bytes[at + 1] = size;
  } else if (size <= MOST_IN_16_BITS) {
    bytes[at + 1] = SIZE_IN_16_BITS;
    bytes.writeUInt16BE(size, at + 2);
  } else {
    bytes[at + 1] = SIZE_IN_64_BITS;
    bytes.writeBigUInt64BE(BigInt(size), at + 2);
  }
  return at + headSize(size);
}
