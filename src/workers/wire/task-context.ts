/** What a task function is given beside its input. It may be async, and any export of a module. */
export interface TaskContext {
  /** Aborts when nobody wants the result any more. */
  readonly signal: AbortSignal;
  progress(value: unknown): void;
  /** Answers with the value; the buffers in it are moved with the result and empty here then. */
  transfer<T>(value: T, buffers: readonly ArrayBuffer[]): T;
}

export type TaskFunction = (input: unknown, context: TaskContext) => unknown;
