/**
 * The domain obeys one AbortSignal whose reason is a DroverError. The protocol handlers abort
 * theirs with reasons of their own; this is where those are put into our words.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { DroverError } from '#kernel/errors.ts';

/** What calls are aborted with that are simply over; one for all, since each call needs it. */
export const CALL_ENDED = new DroverError('cancelled', 'the call has ended');

/** Aborts with `source`, and for streams also when the server begins to drain. */
export function createCallSignal(source: AbortSignal, draining?: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(abortReasonToError(source.reason));
  if (source.aborted) abort();
  else source.addEventListener('abort', abort, { once: true });
  return draining === undefined
    ? controller.signal
    : AbortSignal.any([controller.signal, draining]);
}

function abortReasonToError(reason: unknown): DroverError {
  // Callers who go away abort with this; see node-request.ts.
  if (reason instanceof DroverError) return reason;
  if (!(reason instanceof ConnectError)) return CALL_ENDED;
  return reason.code === Code.DeadlineExceeded
    ? new DroverError('deadline_exceeded', 'the deadline that the caller set has passed')
    : new DroverError('cancelled', 'the call was cancelled', { cause: reason });
}
