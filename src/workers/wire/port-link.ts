/**
 * A link over a port to a thread. The frames of one turn travel as one message, since a message
 * costs more than what is in it, and what has queued up meanwhile is taken without an event each.
 *
 * Nothing is checked here: what runs in threads is part of the platform. The port keeps the loop
 * alive; whoever does not want that calls `unref` on it afterwards.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { DroverError } from '#kernel/errors.ts';
import { CloseCalls } from './close-calls.ts';
import type { Frame, Link } from './frames.ts';
import { errorToWire } from './wire-error.ts';

type Transfer = readonly ArrayBuffer[];

/** Messages taken at a time, before other events of the loop have their turn. */
const MOST_MESSAGES = 64;

export class PortLink implements Link {
  readonly #port: MessagePort;
  readonly #closeCalls = new CloseCalls();
  #receiver: ((frame: Frame) => void) | undefined;
  /** Came before the receiver was set. */
  #early: Frame[] = [];
  #frames: Frame[] = [];
  /** By index of the frames; as short as there is nothing to transfer. */
  #transfers: Transfer[] = [];
  #isClosed = false;
  #error: Error | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (frames: readonly Frame[]) => this.#onMessage(frames));
    port.on('messageerror', (error) => this.close(error));
    port.on('close', () => {
      this.#isClosed = true;
      this.#closeCalls.run(this.#error);
    });
  }

  send(frame: Frame, transfer?: Transfer): void {
    if (this.#isClosed) return;
    if (this.#frames.length === 0) process.nextTick(this.#flush);
    switch (frame.type) {
      case 'data': {
        const bytes = ownBytes(frame.bytes);
        this.#add(bytes === frame.bytes ? frame : { ...frame, bytes }, moved(bytes, frame.bytes));
        break;
      }
      case 'request':
      case 'response': {
        const body = frame.body && ownBytes(frame.body);
        this.#add(body === frame.body ? frame : { ...frame, body }, moved(body, frame.body));
        break;
      }
      case 'progress':
        // It is worth nothing if it comes only when a task without a pause is done.
        this.#add(frame, transfer);
        this.#flush();
        break;
      default:
        this.#add(frame, transfer);
    }
  }

  receive(handle: (frame: Frame) => void): void {
    // Whoever sets the receiver is seldom ready for frames before its own turn is over.
    queueMicrotask(() => {
      this.#receiver = handle;
      const early = this.#early;
      this.#early = [];
      this.#deliver(early);
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
    this.#port.close();
  }

  #add(frame: Frame, transfer: Transfer | undefined): void {
    if (transfer !== undefined) this.#transfers[this.#frames.length] = transfer;
    this.#frames.push(frame);
  }

  readonly #flush = (): void => {
    if (this.#frames.length === 0 || this.#isClosed) return;
    const frames = this.#frames;
    const transfers = this.#transfers;
    this.#frames = [];
    this.#transfers = [];
    try {
      this.#port.postMessage(frames, transfers.flat());
    } catch {
      // One that cannot cross holds back all; nothing was moved. So each goes by itself.
      frames.forEach((frame, index) => this.#post(frame, transfers[index]));
    }
  };

  #post(frame: Frame, transfer: Transfer | undefined): void {
    try {
      this.#port.postMessage([frame], [...(transfer ?? [])]);
    } catch (thrown) {
      this.#refuse(frame, thrown);
    }
  }

  /** What a task is given and answers is anything; all other frames can be cloned. */
  #refuse(frame: Frame, thrown: unknown): void {
    if (frame.type === 'task') {
      const error = new DroverError('invalid_argument', 'input: must be what threads can exchange');
      const fail: Frame = { type: 'fail', id: frame.id, error: errorToWire(error) };
      queueMicrotask(() => this.#deliver([fail]));
    } else if (frame.type === 'result' || frame.type === 'progress') {
      this.#port.postMessage([{ type: 'fail', id: frame.id, error: errorToWire(thrown) }]);
    } else {
      this.close(new Error(`wire: ${frame.type} cannot cross`, { cause: thrown }));
    }
  }

  #onMessage(frames: readonly Frame[]): void {
    this.#deliver(frames);
    for (let count = 1; count < MOST_MESSAGES && !this.#isClosed; count += 1) {
      const next: { message: readonly Frame[] } | undefined = receiveMessageOnPort(this.#port);
      if (next === undefined) return;
      this.#deliver(next.message);
    }
  }

  #deliver(frames: readonly Frame[]): void {
    try {
      for (const frame of frames) {
        if (this.#isClosed) return;
        if (this.#receiver === undefined) this.#early.push(frame);
        else this.#receiver(frame);
      }
    } catch (thrown) {
      this.close(thrown instanceof Error ? thrown : new Error('wire: failed', { cause: thrown }));
    }
  }
}

/** A clone of a view is one of all that lies behind it, which may be a thousand times as much. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

/** Bytes that were copied for the crossing are moved instead of being copied again. */
function moved(bytes: Uint8Array | undefined, given: Uint8Array | undefined): Transfer | undefined {
  if (bytes === undefined || bytes === given) return undefined;
  return bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : undefined;
}
