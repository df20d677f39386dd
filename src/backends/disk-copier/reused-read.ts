/**
 * The memory that a connection reads into, which is the same again and again. Node otherwise takes
 * fresh memory for each 16 KiB of TLS, and to V8 a disk of those is a reason to collect garbage
 * many times a second, which takes more of the processor than what is done with the bytes.
 *
 * What is read is valid until the listeners of the answer's `data` have returned. Whenever there
 * is nobody who looks at it at once, because the answer or its connection is paused, a copy goes
 * into the queue there.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** More than TLS gives at a time. */
const READ_BYTES = 64 * 1024;

export class ReusedRead {
  #memory = Buffer.allocUnsafeSlow(READ_BYTES);
  #socket: Socket | undefined;
  #answer: IncomingMessage | undefined;

  /** For the options of the connection. Only one answer may come over it. */
  readonly onread = {
    buffer: (): Uint8Array => this.#memory,
    callback: (bytes: number, memory: Uint8Array): boolean => this.#push(bytes, memory),
  };

  /** Before anything was read. */
  useSocket(socket: Socket): void {
    this.#socket = socket;
  }

  useAnswer(answer: IncomingMessage): void {
    this.#answer = answer;
  }

  #push(bytes: number, memory: Uint8Array): boolean {
    const [socket, answer] = [this.#socket, this.#answer];
    if (socket === undefined) throw new Error('bytes came over a connection that nobody has');
    const isLookedAt = answer !== undefined && isEmptyAndFlowing(answer);
    const isPassedOn = isLookedAt && isEmptyAndFlowing(socket);
    const data = Buffer.from(memory.buffer, memory.byteOffset, bytes);
    const wantsMore = socket.push(isPassedOn ? data : Buffer.from(data));
    // It was paused by who looked at the first half of it: the rest is theirs now.
    if (isPassedOn && !(isEmptyAndFlowing(answer) && isEmptyAndFlowing(socket))) {
      this.#memory = Buffer.allocUnsafeSlow(READ_BYTES);
    }
    return wantsMore;
  }
}

function isEmptyAndFlowing(stream: Readable): boolean {
  return stream.readableFlowing === true && stream.readableLength === 0;
}
