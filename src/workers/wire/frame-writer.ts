/**
 * Frames of one turn, as few pieces for the socket as can be: what is short is written behind each
 * other into one buffer, what is long goes as it is.
 */
import {
  FRAME_CODES,
  HEADER_BYTES,
  LEAST_FRAME_BYTES,
  MOST_FRAME_BYTES,
  REQUEST_WITH_BODY,
  RESPONSE_WITH_BODY,
  type SocketFrame,
} from './socket-codec.ts';

const BUFFER_BYTES = 64 * 1024;
/** From here on a copy costs more than one more piece. */
const LEAST_PIECE_BYTES = 8 * 1024;
/** In UTF-8, of one unit of a string. */
const MOST_CHAR_BYTES = 3;

export class FrameWriter {
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** What lies between the two is not among the pieces yet. */
  #start = 0;
  #end = 0;
  #pieces: Uint8Array[] = [];
  #byteCount = 0;

  /** Put and not taken. */
  get byteCount(): number {
    return this.#byteCount;
  }

  put(frame: SocketFrame): void {
    switch (frame.type) {
      case 'request': {
        const code = frame.body === undefined ? FRAME_CODES.request : REQUEST_WITH_BODY;
        this.#putHead(code, frame.id, JSON.stringify(frame.head), frame.body);
        break;
      }
      case 'response': {
        const code = frame.body === undefined ? FRAME_CODES.response : RESPONSE_WITH_BODY;
        this.#putHead(code, frame.id, JSON.stringify(frame.head), frame.body);
        break;
      }
      case 'data':
        this.#putHeader(FRAME_CODES.data, frame.id, frame.bytes.length);
        this.#putBytes(frame.bytes);
        break;
      case 'credit':
        this.#putHeader(FRAME_CODES.credit, frame.id, 4);
        this.#reserve(4);
        this.#end = this.#buffer.writeUInt32LE(frame.byteCount, this.#end);
        break;
      case 'specialise':
        this.#putJson(FRAME_CODES.specialise, 0, frame.binding);
        break;
      case 'rejected':
        this.#putJson(FRAME_CODES.rejected, 0, frame.error);
        break;
      case 'fail':
        this.#putJson(FRAME_CODES.fail, frame.id, frame.error);
        break;
      case 'stats':
        this.#putJson(FRAME_CODES.stats, 0, frame.stats);
        break;
      case 'end':
      case 'abort':
        this.#putHeader(FRAME_CODES[frame.type], frame.id, 0);
        break;
      case 'hello':
      case 'specialised':
      case 'idle':
      case 'retire':
      case 'retired':
        this.#putHeader(FRAME_CODES[frame.type], 0, 0);
    }
  }

  /** What to write to the socket, in order. */
  take(): readonly Uint8Array[] {
    this.#cut();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#byteCount = 0;
    return pieces;
  }

  /** Everything taken has left the process: its buffer can be used again. */
  reuse(): void {
    if (this.#byteCount > 0) return;
    this.#start = 0;
    this.#end = 0;
  }

  #putHead(code: number, id: number, json: string, body: Uint8Array | undefined): void {
    const bodyBytes = body?.length ?? 0;
    this.#reserve(HEADER_BYTES + 4 + json.length * MOST_CHAR_BYTES);
    const at = this.#end + HEADER_BYTES;
    const headBytes = this.#buffer.write(json, at + 4, 'utf8');
    this.#putHeader(code, id, 4 + headBytes + bodyBytes);
    this.#buffer.writeUInt32LE(headBytes, at);
    this.#end = at + 4 + headBytes;
    if (body !== undefined) this.#putBytes(body);
  }

  #putJson(code: number, id: number, value: unknown): void {
    const json = JSON.stringify(value);
    this.#reserve(HEADER_BYTES + json.length * MOST_CHAR_BYTES);
    const byteCount = this.#buffer.write(json, this.#end + HEADER_BYTES, 'utf8');
    this.#putHeader(code, id, byteCount);
    this.#end += byteCount;
  }

  #putHeader(code: number, id: number, payloadBytes: number): void {
    const length = LEAST_FRAME_BYTES + payloadBytes;
    if (length > MOST_FRAME_BYTES) {
      throw new RangeError(`wire: a frame may have ${MOST_FRAME_BYTES} bytes, not ${length}`);
    }
    this.#reserve(HEADER_BYTES);
    this.#byteCount += 4 + length;
    const buffer = this.#buffer;
    buffer.writeUInt32LE(length, this.#end);
    buffer[this.#end + 4] = code;
    this.#end = buffer.writeUInt32LE(id, this.#end + LEAST_FRAME_BYTES);
  }

  #putBytes(bytes: Uint8Array): void {
    if (bytes.length >= LEAST_PIECE_BYTES) {
      this.#cut();
      this.#pieces.push(bytes);
      return;
    }
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #reserve(byteCount: number): void {
    if (this.#end + byteCount <= this.#buffer.length) return;
    this.#cut();
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(BUFFER_BYTES, byteCount));
    this.#start = 0;
    this.#end = 0;
  }

  #cut(): void {
    if (this.#end > this.#start) this.#pieces.push(this.#buffer.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}
