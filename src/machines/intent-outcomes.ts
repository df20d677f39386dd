/** Lets a request wait for what comes of its intent, when the owner is in the same process. */
import type { IntentId } from '#kernel/ids.ts';
import type { IntentOutcome } from './machine-intent.ts';

export class IntentOutcomes {
  readonly #waiting = new Map<IntentId, PromiseWithResolvers<IntentOutcome>>();

  /** Call before the intent is stored, so that its end cannot be missed. */
  expect(id: IntentId): Disposable & { readonly outcome: Promise<IntentOutcome> } {
    const waiter = Promise.withResolvers<IntentOutcome>();
    this.#waiting.set(id, waiter);
    return {
      outcome: waiter.promise,
      [Symbol.dispose]: () => {
        this.#waiting.delete(id);
      },
    };
  }

  settle(id: IntentId, outcome: IntentOutcome): void {
    this.#waiting.get(id)?.resolve(outcome);
  }
}
