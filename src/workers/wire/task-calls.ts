/** The tasks that the pool has under way in one member. task-runner.ts is the other side. */
import type { DroverError } from '#kernel/errors.ts';
import { FIRST_TASK_ID, type Frame, type Link } from './frames.ts';
import { wireToError } from './wire-error.ts';

export interface TaskCallOptions {
  readonly signal?: AbortSignal;
  /** Buffers of the input that move to the member and are empty here afterwards. */
  readonly transfer?: readonly ArrayBuffer[];
  readonly onProgress?: (value: unknown) => void;
}

interface TaskCall {
  readonly options: TaskCallOptions;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Set only when there is a signal to be taken off again. */
  onAbort: (() => void) | undefined;
}

export class TaskCalls {
  readonly #link: Link;
  readonly #calls = new Map<number, TaskCall>();
  #lastId = 2 ** 32 - 2;
  #failure: DroverError | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  /** How many have not ended. */
  get size(): number {
    return this.#calls.size;
  }

  /**
   * Resolves with what the export `name` of the module answers. Rejects at once with the signal's
   * reason when it aborts: the member is told, and may take a while to notice.
   */
  run(
    module: string,
    name: string,
    input: unknown,
    options: TaskCallOptions = {},
  ): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const { signal, transfer } = options;
    if (this.#failure !== undefined || signal?.aborted === true) {
      reject(this.#failure ?? signal?.reason);
      return promise;
    }
    const id = this.#nextId();
    const call: TaskCall = { options, resolve, reject, onAbort: undefined };
    this.#calls.set(id, call);
    if (signal !== undefined) {
      call.onAbort = () => this.#cancel(id, signal.reason);
      signal.addEventListener('abort', call.onAbort, { once: true });
    }
    try {
      this.#link.send({ type: 'task', id, module, name, input }, transfer);
    } catch (thrown) {
      // What cannot be cloned does not cross.
      this.#take(id)?.reject(thrown);
    }
    return promise;
  }

  /** Frames of tasks that have ended are left alone, and so are those of anything else. */
  receive(frame: Frame): void {
    switch (frame.type) {
      case 'progress':
        this.#progress(frame.id, frame.value);
        break;
      case 'result':
        this.#take(frame.id)?.resolve(frame.value);
        break;
      case 'fail':
        this.#take(frame.id)?.reject(wireToError(frame.error));
        break;
      default:
    }
  }

  /** The member is gone: everything under way fails, and whatever is run later does too. */
  fail(error: DroverError): void {
    this.#failure ??= error;
    for (const id of [...this.#calls.keys()]) this.#take(id)?.reject(error);
  }

  /** Who cannot bear to be told is as good as gone, and that is no fault of the member. */
  #progress(id: number, value: unknown): void {
    try {
      this.#calls.get(id)?.options.onProgress?.(value);
    } catch (thrown) {
      this.#cancel(id, thrown);
    }
  }

  #cancel(id: number, reason: unknown): void {
    const call = this.#take(id);
    if (call === undefined) return;
    this.#link.send({ type: 'abort', id });
    call.reject(reason);
  }

  #take(id: number): TaskCall | undefined {
    const call = this.#calls.get(id);
    if (call === undefined) return undefined;
    this.#calls.delete(id);
    if (call.onAbort !== undefined) {
      call.options.signal?.removeEventListener('abort', call.onAbort);
    }
    return call;
  }

  #nextId(): number {
    do {
      this.#lastId = this.#lastId >= 2 ** 32 - 2 ? FIRST_TASK_ID : this.#lastId + 2;
    } while (this.#calls.has(this.#lastId));
    return this.#lastId;
  }
}
