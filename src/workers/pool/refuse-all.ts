/** What answers a member that may ask for nothing: one of no app, or not yet of one. */
import { DroverError } from '#kernel/errors.ts';
import type { Answerer } from '#workers/exchange.ts';

export const refuseAll: Answerer = (_head, _body, answer) => {
  answer.fail(new DroverError('permission_denied', 'this worker may not ask for anything'));
  return {
    onData: () => undefined,
    onEnd: () => undefined,
    onAbort: () => undefined,
    onDrain: () => undefined,
  };
};
