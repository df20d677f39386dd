/** How the work of a worker fails that is ended while it has some. */
import type { DroverError } from '#kernel/errors.ts';
import type { PoolWorker } from './pool-worker.ts';
import type { Outcome, Work } from './work.ts';

export interface Violence {
  readonly error: DroverError;
  readonly outcome: Outcome;
  /** The work that is to blame fails in a way of its own. */
  readonly culprit?: { readonly work: Work; readonly error: DroverError };
}

/** Of all this work, what the worker has. */
export function failAll(
  worker: PoolWorker,
  works: readonly Work[],
  { error, outcome, culprit }: Violence,
): void {
  for (const work of works) {
    if (work.worker !== worker) continue;
    if (work === culprit?.work) work.fail(culprit.error, 'timeout');
    else work.fail(error, outcome);
  }
}
