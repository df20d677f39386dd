/** Two ends of a link in one process: what one end sends, the other receives in a later turn. */
import type { Frame, Link } from '#workers/wire/frames.ts';

export function createMemoryLinks(): readonly [Link, Link] {
  const one = new MemoryLink();
  const other = new MemoryLink();
  one.connect(other);
  other.connect(one);
  return [one, other];
}

class MemoryLink implements Link {
  readonly #closeCalls: ((error: Error | undefined) => void)[] = [];
  #other: MemoryLink | undefined;
  #arrived: Frame[] = [];
  #handle: ((frame: Frame) => void) | undefined;
  #isDelivering = false;
  #isClosed = false;
  #error: Error | undefined;

  connect(other: MemoryLink): void {
    this.#other = other;
  }

  send(frame: Frame): void {
    if (!this.#isClosed) this.#other?.arrive(frame);
  }

  receive(handle: (frame: Frame) => void): void {
    this.#handle = handle;
    this.#deliverSoon();
  }

  onClose(call: (error: Error | undefined) => void): void {
    if (this.#isClosed) queueMicrotask(() => call(this.#error));
    else this.#closeCalls.push(call);
  }

  close(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#error = error;
    queueMicrotask(() => {
      this.#other?.close();
      for (const call of this.#closeCalls) call(error);
    });
  }

  arrive(frame: Frame): void {
    if (this.#isClosed) return;
    this.#arrived.push(frame);
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#isDelivering || this.#handle === undefined || this.#arrived.length === 0) return;
    this.#isDelivering = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    this.#isDelivering = false;
    const frames = this.#arrived;
    this.#arrived = [];
    try {
      for (const frame of frames) if (!this.#isClosed) this.#handle?.(frame);
    } catch (thrown) {
      this.close(thrown instanceof Error ? thrown : new Error('the receiver failed'));
    }
    this.#deliverSoon();
  }
}
