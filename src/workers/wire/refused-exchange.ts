/** What an asker holds whose request nobody will answer: it is told why once it holds it. */
import type { DroverError } from '#kernel/errors.ts';
import type { AnswerHandler, Exchange } from '#workers/exchange.ts';

export function refusedExchange(handler: AnswerHandler, error: DroverError): Exchange {
  let isAborted = false;
  queueMicrotask(() => {
    if (!isAborted) handler.onFail(error);
  });
  return {
    write: () => true,
    end: () => undefined,
    consume: () => undefined,
    abort: () => {
      isAborted = true;
    },
  };
}
