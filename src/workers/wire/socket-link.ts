/**
 * A link over a socket to a process. Frames are gathered until the turn of the event loop is over
 * and go out as one write. What cannot be understood, and a peer that does not read what it is
 * sent, close the link with an error.
 */
import type { Socket } from 'node:net';
import { CloseCalls } from './close-calls.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import type { Frame, Link } from './frames.ts';

/** So much is gathered at most before it is written. */
const MOST_GATHERED_BYTES = 256 * 1024;
/**
 * Written and not taken by the other side. Credit keeps bodies far below it; only a process that
 * asks and asks and reads no answer gets there.
 */
const MOST_UNSENT_BYTES = 64 * 1024 * 1024;

export class SocketLink implements Link {
  readonly #socket: Socket;
  readonly #reader = new FrameReader((frame) => this.#deliver(frame));
  readonly #writer = new FrameWriter();
  readonly #closeCalls = new CloseCalls();
  #receiver: ((frame: Frame) => void) | undefined;
  /** Came before the receiver was set. */
  #early: Frame[] = [];
  #isFlushDue = false;
  #isClosed = false;
  #error: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => {
      this.#isClosed = true;
      this.#closeCalls.run(this.#error);
    });
  }

  send(frame: Frame): void {
    if (this.#isClosed) return;
    if (frame.type === 'task' || frame.type === 'progress' || frame.type === 'result') {
      throw new TypeError('wire: tasks run in threads, not behind a socket');
    }
    this.#writer.put(frame);
    if (this.#writer.byteCount >= MOST_GATHERED_BYTES) {
      this.#flush();
    } else if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      setImmediate(this.#flushLater);
    }
  }

  receive(handle: (frame: Frame) => void): void {
    // Whoever sets the receiver is seldom ready for frames before its own turn is over.
    queueMicrotask(() => {
      this.#receiver = handle;
      const early = this.#early;
      this.#early = [];
      this.#guarded(() => early.forEach((frame) => this.#deliver(frame)));
      if (!this.#isClosed) this.#socket.resume();
    });
  }

  onClose(call: (error: Error | undefined) => void): void {
    this.#closeCalls.add(call);
  }

  close(error?: Error): void {
    if (this.#isClosed) return;
    if (error === undefined) this.#flush();
    this.#isClosed = true;
    this.#error ??= error;
    if (error === undefined) this.#socket.destroySoon();
    else this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.#guarded(() => this.#reader.read(chunk));
    if (this.#receiver === undefined) this.#socket.pause();
  }

  #deliver(frame: Frame): void {
    if (this.#isClosed) return;
    if (this.#receiver === undefined) this.#early.push(frame);
    else this.#receiver(frame);
  }

  #onEnd(): void {
    this.close(this.#reader.isAtBoundary ? undefined : new Error('wire: it ended within a frame'));
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.close(thrown instanceof Error ? thrown : new Error('wire: failed', { cause: thrown }));
    }
  }

  readonly #flushLater = (): void => {
    this.#isFlushDue = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#isClosed) return;
    const socket = this.#socket;
    const pieces = this.#writer.take();
    const [only] = pieces;
    if (only === undefined) return;
    if (pieces.length === 1) {
      socket.write(only);
    } else {
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    }
    // Most often the kernel takes everything at once, and nothing refers to the buffer any more.
    if (socket.writableLength === 0) this.#writer.reuse();
    else if (socket.writableLength > MOST_UNSENT_BYTES) {
      this.close(new Error('wire: the other side does not read what it is sent'));
    }
  }
}
