/**
 * Wakes whoever waits for new events. It carries no data: a woken reader asks the log, so a slow
 * reader costs nothing and a missed wake is repaired by the next one.
 */
export class EventSignal {
  #next = Promise.withResolvers<void>();

  notify(): void {
    const woken = this.#next;
    this.#next = Promise.withResolvers<void>();
    woken.resolve();
  }

  /** Take this before reading the log, await it after: then nothing slips in between. */
  next(): Promise<void> {
    return this.#next.promise;
  }
}
