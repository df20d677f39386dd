/**
 * Runs tasks inside a member. A module is imported once and stays; a function that answers without
 * a promise is answered without one too, in the same turn.
 */
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import type { Frame, Link } from './frames.ts';
import type { TaskContext, TaskFunction } from './task-context.ts';
import { errorToWire } from './wire-error.ts';

type TaskFrame = Frame & { readonly type: 'task' };

export interface TaskRunnerOptions {
  readonly link: Link;
  /** Called when a task begins, and when it has ended. */
  readonly onBegin?: () => void;
  readonly onEnd?: () => void;
}

export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  readonly #running = new Map<number, RunningTask>();
  /** By module and name. There are as many as the platform has tasks. */
  readonly #functions = new Map<string, Map<string, TaskFunction>>();

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
  }

  /** How many have not ended, cancelled ones included. */
  get size(): number {
    return this.#running.size;
  }

  /** Takes the frames of tasks and leaves all others alone. */
  receive(frame: Frame): void {
    if (frame.type === 'task') this.#begin(frame);
    else if (frame.type === 'abort') this.#running.get(frame.id)?.abort();
  }

  /** Nobody is left to answer. */
  abortAll(): void {
    for (const task of this.#running.values()) task.abort();
  }

  #begin(frame: TaskFrame): void {
    const task = new RunningTask(this.#options.link, frame.id);
    this.#running.set(frame.id, task);
    this.#options.onBegin?.();
    const known = this.#functions.get(frame.module)?.get(frame.name);
    if (known === undefined) void this.#load(frame, task);
    else this.#run(known, frame.input, task);
  }

  async #load(frame: TaskFrame, task: RunningTask): Promise<void> {
    try {
      this.#run(await this.#import(frame), frame.input, task);
    } catch (thrown) {
      this.#fail(task, thrown);
    }
  }

  async #import({ module, name }: TaskFrame): Promise<TaskFunction> {
    const exports: Readonly<Record<string, unknown>> = await import(module);
    const found = exports[name];
    if (!isFunction(found)) throw invalidArgument('name', `${module} exports no function ${name}`);
    const functions = this.#functions.get(module) ?? new Map<string, TaskFunction>();
    this.#functions.set(module, functions.set(name, found));
    return found;
  }

  #run(call: TaskFunction, input: unknown, task: RunningTask): void {
    try {
      const answer = call(input, task.context);
      if (!(answer instanceof Promise)) {
        this.#end(task, answer);
        return;
      }
      answer.then(
        (value) => this.#end(task, value),
        (thrown: unknown) => this.#fail(task, thrown),
      );
    } catch (thrown) {
      this.#fail(task, thrown);
    }
  }

  #end(task: RunningTask, value: unknown): void {
    this.#options.link.send({ type: 'result', id: task.id, value }, task.transfers);
    this.#leave(task);
  }

  #fail(task: RunningTask, thrown: unknown): void {
    this.#options.link.send({ type: 'fail', id: task.id, error: errorToWire(thrown) });
    this.#leave(task);
  }

  #leave(task: RunningTask): void {
    this.#running.delete(task.id);
    this.#options.onEnd?.();
  }
}

class RunningTask {
  readonly id: number;
  readonly #link: Link;
  /** Made when it is first asked for: most tasks never do. */
  #controller: AbortController | undefined;
  #isAborted = false;
  #transfers: ArrayBuffer[] | undefined;

  constructor(link: Link, id: number) {
    this.#link = link;
    this.id = id;
  }

  get transfers(): readonly ArrayBuffer[] | undefined {
    return this.#transfers;
  }

  /** Its parts can be taken out of it, so that none of them needs `this`. */
  get context(): TaskContext {
    const signal = () => this.#signal();
    return {
      get signal() {
        return signal();
      },
      progress: (value) => this.#link.send({ type: 'progress', id: this.id, value }),
      transfer: (value, buffers) => {
        (this.#transfers ??= []).push(...buffers);
        return value;
      },
    };
  }

  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort(new DroverError('cancelled', 'the task was cancelled'));
  }

  #signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted) this.abort();
    return this.#controller.signal;
  }
}

function isFunction(value: unknown): value is TaskFunction {
  return typeof value === 'function';
}
