/** What apps need of the worker pool. */
import type { AnswerHandler, Exchange, RequestHead } from '#workers/exchange.ts';
import type { AppKey, WorkerApp } from '#workers/worker-app.ts';

export interface TaskName {
  /** The URL of a module, and one of its exports. */
  readonly module: string;
  readonly name: string;
}

export interface AppWorkers {
  /** Once for each key, until it is retired. */
  admit(app: WorkerApp): void;
  /**
   * Nothing new is taken on; resolves when all that was is done and its workers are gone. The key
   * is free again as soon as this is called.
   */
  retire(key: AppKey): Promise<void>;
  fetch(
    key: AppKey,
    head: RequestHead,
    body: Uint8Array | undefined,
    handler: AnswerHandler,
  ): Exchange;
  /** In a thread of the platform's own. */
  run<O>(task: TaskName, input: unknown, options: { readonly signal: AbortSignal }): Promise<O>;
}
