/** Around every call: what the implementation throws leaves as an error of the protocol. */
import { ConnectError } from '@connectrpc/connect';
import type { ContextValues, HandlerContext, Interceptor } from '@connectrpc/connect';
import { untilAborted } from '#kernel/abort.ts';
import { toDroverError, type DroverError } from '#kernel/errors.ts';
import { createCallSignal } from './call-signal.ts';
import { droverErrorToConnect } from './rpc-errors.ts';
import { edgeRequestKey } from './rpc-request.ts';

/** Runs before the body of a request is read; throws to refuse, sets context values to tell. */
export type RpcGate = (context: HandlerContext) => void | Promise<void>;

export interface ErrorInterceptorOptions {
  readonly errorDomain: string;
  /** Ends streams when it aborts. Calls with a single answer are left to finish. */
  readonly draining?: AbortSignal;
}

export function createErrorInterceptor(options: ErrorInterceptorOptions): Interceptor {
  const { errorDomain, draining } = options;
  return (next) => async (request) => {
    const { contextValues } = request;
    const translate = (thrown: unknown) => translateError(thrown, contextValues, errorDomain);
    try {
      if (!request.stream) {
        const signal = createCallSignal(request.signal);
        // An implementation that does not look at the signal must not hold up the answer.
        return await untilAborted(next({ ...request, signal }), signal);
      }
      const signal = createCallSignal(request.signal, draining);
      const response = await next({ ...request, signal });
      if (!response.stream) return response;
      const message = untilAbortedEach(response.message, signal, translate);
      return { ...response, message };
    } catch (thrown) {
      throw translate(thrown);
    }
  };
}

/** The gate with its errors in the same form. */
export function createTranslatedGate(gate: RpcGate, errorDomain: string): RpcGate {
  return async (context) => {
    try {
      await gate(context);
    } catch (thrown) {
      throw translateError(thrown, context.values, errorDomain);
    }
  };
}

export function translateError(
  thrown: unknown,
  values: ContextValues,
  errorDomain: string,
): ConnectError {
  // The library's own, such as those about malformed messages, are in form already.
  if (thrown instanceof ConnectError) return thrown;
  const error = toDroverError(thrown);
  noteFailure(error, values);
  return droverErrorToConnect(error, errorDomain);
}

/** For the access log; what is our own fault is also logged whole, since callers learn little. */
function noteFailure(error: DroverError, values: ContextValues): void {
  const request = values.get(edgeRequestKey);
  if (request === undefined) return;
  request.failure = error;
  if (error.kind === 'internal' || error.kind === 'data_loss') {
    request.log.error({ err: error }, 'call failed');
  }
}

/** Ends a stream on the signal even when its implementation does not look at it. */
async function* untilAbortedEach<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  translate: (thrown: unknown) => ConnectError,
): AsyncGenerator<T> {
  const iterator = messages[Symbol.asyncIterator]();
  let isDone = false;
  try {
    for (;;) {
      const result = await untilAborted(iterator.next(), signal);
      if (result.done === true) {
        isDone = true;
        return;
      }
      yield result.value;
    }
  } catch (thrown) {
    throw translate(thrown);
  } finally {
    // Not waited for: an implementation that hangs is just what this guards against.
    if (!isDone) iterator.return?.().catch(() => {});
  }
}
