import { DroverError } from '#kernel/errors.ts';
import type { StopReason } from './job-handler.ts';
import { leaseLostError } from './job-retry.ts';

/**
 * A signal that knows why it was given. A lost lease outdoes every other reason. It is made when
 * somebody asks for it: many a job is over before anybody could listen.
 */
export class Stopper {
  #controller: AbortController | undefined;
  #reason: StopReason | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(reasonToError(this.#reason));
    }
    return this.#controller.signal;
  }

  get reason(): StopReason | undefined {
    return this.#reason;
  }

  stop(reason: StopReason): void {
    if (this.#reason === undefined || reason === 'lease-lost') this.#reason = reason;
    this.#controller?.abort(reasonToError(reason));
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
