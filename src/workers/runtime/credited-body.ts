/**
 * A body that comes over a link, as a stream. Each chunk is paid for when it was asked for and
 * handed on, and that is what lets more come: a reader that stops holds up whoever sends.
 */
import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';

export interface CreditedBodyParts {
  readonly consume: (byteCount: number) => void;
  /** The reader wants no more. */
  readonly cancel: () => void;
}

export class CreditedBody {
  readonly #parts: CreditedBodyParts;
  /** What came and was not asked for; credit keeps it short. */
  readonly #waiting: Uint8Array[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #isWanted = false;
  #isEnded = false;
  #isDropped = false;
  #error: Error | undefined;

  constructor(parts: CreditedBodyParts) {
    this.#parts = parts;
  }

  /** Once. */
  open(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          if (this.#error === undefined) this.#closeWhenDone();
          else controller.error(this.#error);
        },
        pull: () => {
          this.#isWanted = true;
          this.#serve();
        },
        cancel: () => {
          this.drop();
          this.#parts.cancel();
        },
      },
      { highWaterMark: 0 },
    );
  }

  push(bytes: Uint8Array): void {
    if (this.#isDropped) {
      this.#parts.consume(bytes.length);
      return;
    }
    this.#waiting.push(bytes);
    this.#serve();
  }

  end(): void {
    this.#isEnded = true;
    this.#closeWhenDone();
  }

  /** What has not been read will not be. Without meaning for a body that was read whole. */
  fail(error: Error): void {
    if (this.#isDropped || (this.#isEnded && this.#waiting.length === 0)) return;
    this.#error = error;
    this.#controller?.error(error);
    this.drop();
  }

  /** Nobody reads the rest: whoever sends it must not wait for that. */
  drop(): void {
    this.#isDropped = true;
    this.#controller = undefined;
    for (const bytes of this.#waiting.splice(0)) this.#parts.consume(bytes.length);
  }

  #serve(): void {
    if (!this.#isWanted || this.#controller === undefined) return;
    const bytes = this.#waiting.shift();
    if (bytes === undefined) return;
    this.#isWanted = false;
    this.#parts.consume(bytes.length);
    this.#controller.enqueue(owned(bytes));
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (!this.#isEnded || this.#waiting.length > 0) return;
    this.#controller?.close();
    this.#controller = undefined;
  }
}

/** Apps may transfer what they are given, and with a shared buffer would go what others read. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
