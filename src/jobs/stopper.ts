import { DroverError } from '#kernel/errors.ts';
import type { StopReason } from './job-handler.ts';
import { leaseLostError } from './job-retry.ts';

/** A signal that knows why it was given. A lost lease outdoes every other reason. */
export class Stopper {
  readonly #controller = new AbortController();
  #reason: StopReason | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get reason(): StopReason | undefined {
    return this.#reason;
  }

  stop(reason: StopReason): void {
    if (this.#reason === undefined || reason === 'lease-lost') this.#reason = reason;
    this.#controller.abort(reasonToError(reason));
  }
}

function reasonToError(reason: StopReason): DroverError {
  switch (reason) {
    case 'cancelled':
      return new DroverError('cancelled', 'the job was cancelled', { reason: 'CANCELLED' });
    case 'lease-lost':
      return leaseLostError();
    case 'shutdown':
      return new DroverError('unavailable', 'the process stops; the job goes on in another', {
        reason: 'SHUTDOWN',
      });
  }
}
