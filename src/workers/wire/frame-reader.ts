/**
 * Bytes of a socket as frames. Frames that lie in one chunk are views of it, bodies and data
 * included: who keeps a part keeps the chunk, 64 KiB at most. Only a frame that spans chunks is
 * copied. Throws at the first thing that is wrong; the reader is of no use afterwards.
 */
import type { AppBinding } from '#workers/worker-app.ts';
import type { Frame } from './frames.ts';
import {
  FRAME_CODES,
  HEADER_BYTES,
  LEAST_FRAME_BYTES,
  malformed,
  MOST_FRAME_BYTES,
  parseRequestHead,
  parseResponseHead,
  parseStats,
  REQUEST_WITH_BODY,
  RESPONSE_WITH_BODY,
} from './socket-codec.ts';
import { parseWireError } from './wire-error.ts';

export class FrameReader {
  readonly #onFrame: (frame: Frame) => void;
  /** Begun in an earlier chunk: as long as the frame is to be, or as its length field. */
  #partial: Buffer | undefined;
  #partialBytes = 0;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  /** Between frames, where a link may end. */
  get isAtBoundary(): boolean {
    return this.#partial === undefined;
  }

  read(chunk: Buffer): void {
    let at = this.#partial === undefined ? 0 : this.#complete(this.#partial, chunk);
    while (chunk.length - at >= 4) {
      const end = at + 4 + lengthAt(chunk, at);
      if (end > chunk.length) break;
      this.#take(chunk, at, end);
      at = end;
    }
    if (at < chunk.length) this.#keep(chunk.subarray(at));
  }

  /** Answers with how much of the chunk it took. */
  #complete(partial: Buffer, chunk: Buffer): number {
    const taken = chunk.copy(partial, this.#partialBytes);
    this.#partialBytes += taken;
    if (this.#partialBytes < partial.length) return taken;
    this.#partial = undefined;
    if (partial.length > 4) {
      this.#take(partial, 0, partial.length);
      return taken;
    }
    this.#keep(partial);
    return taken + this.#complete(this.#partial ?? partial, chunk.subarray(taken));
  }

  #keep(bytes: Buffer): void {
    const size = bytes.length < 4 ? 4 : 4 + lengthAt(bytes, 0);
    this.#partial = Buffer.allocUnsafeSlow(size);
    this.#partialBytes = bytes.copy(this.#partial);
  }

  #take(bytes: Buffer, at: number, end: number): void {
    const id = bytes.readUInt32LE(at + LEAST_FRAME_BYTES);
    const payload = at + HEADER_BYTES;
    switch (bytes[at + 4]) {
      case FRAME_CODES.data:
        this.#onFrame({ type: 'data', id, bytes: bytes.subarray(payload, end) });
        break;
      case FRAME_CODES.request:
      case REQUEST_WITH_BODY:
        this.#onFrame(readRequest(bytes, at, end));
        break;
      case FRAME_CODES.response:
      case RESPONSE_WITH_BODY:
        this.#onFrame(readResponse(bytes, at, end));
        break;
      case FRAME_CODES.end:
        this.#onFrame({ type: 'end', id });
        break;
      case FRAME_CODES.abort:
        this.#onFrame({ type: 'abort', id });
        break;
      case FRAME_CODES.credit:
        if (end - payload !== 4) throw malformed('credit');
        this.#onFrame({ type: 'credit', id, byteCount: bytes.readUInt32LE(payload) });
        break;
      case FRAME_CODES.fail:
        this.#onFrame({ type: 'fail', id, error: parseWireError(readJson(bytes, payload, end)) });
        break;
      default:
        this.#onFrame(readControl(bytes, at, end));
    }
  }
}

function readRequest(bytes: Buffer, at: number, end: number): Frame {
  const bodyAt = headEnd(bytes, at, end);
  return {
    type: 'request',
    id: bytes.readUInt32LE(at + LEAST_FRAME_BYTES),
    head: parseRequestHead(readJson(bytes, at + HEADER_BYTES + 4, bodyAt)),
    body: bytes[at + 4] === REQUEST_WITH_BODY ? bytes.subarray(bodyAt, end) : undefined,
  };
}

function readResponse(bytes: Buffer, at: number, end: number): Frame {
  const bodyAt = headEnd(bytes, at, end);
  return {
    type: 'response',
    id: bytes.readUInt32LE(at + LEAST_FRAME_BYTES),
    head: parseResponseHead(readJson(bytes, at + HEADER_BYTES + 4, bodyAt)),
    body: bytes[at + 4] === RESPONSE_WITH_BODY ? bytes.subarray(bodyAt, end) : undefined,
  };
}

/** What belongs to no exchange, and comes seldom. */
function readControl(bytes: Buffer, at: number, end: number): Frame {
  const payload = at + HEADER_BYTES;
  switch (bytes[at + 4]) {
    case FRAME_CODES.hello:
      return { type: 'hello' };
    case FRAME_CODES.specialise: {
      // Only the pool sends it, and what the pool says is true; see SENT_BY in exchanges.ts.
      const binding: AppBinding = JSON.parse(bytes.toString('utf8', payload, end));
      return { type: 'specialise', binding };
    }
    case FRAME_CODES.specialised:
      return { type: 'specialised' };
    case FRAME_CODES.rejected:
      return { type: 'rejected', error: parseWireError(readJson(bytes, payload, end)) };
    case FRAME_CODES.idle:
      return { type: 'idle' };
    case FRAME_CODES.retire:
      return { type: 'retire' };
    case FRAME_CODES.retired:
      return { type: 'retired' };
    case FRAME_CODES.stats:
      return { type: 'stats', stats: parseStats(readJson(bytes, payload, end)) };
    default:
      throw malformed('the type of a frame');
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32LE(at);
  if (length < LEAST_FRAME_BYTES || length > MOST_FRAME_BYTES) throw malformed('a length');
  return length;
}

/** Where the head of a request or response ends and its body begins. */
function headEnd(bytes: Buffer, at: number, end: number): number {
  const headAt = at + HEADER_BYTES + 4;
  if (headAt > end) throw malformed('a head');
  const bodyAt = headAt + bytes.readUInt32LE(headAt - 4);
  if (bodyAt > end) throw malformed('the length of a head');
  return bodyAt;
}

function readJson(bytes: Buffer, start: number, end: number): unknown {
  return JSON.parse(bytes.toString('utf8', start, end));
}
