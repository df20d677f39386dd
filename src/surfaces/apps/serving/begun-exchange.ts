/**
 * An exchange as whoever hears of its answer holds it. Answers may come before the call that began
 * it has returned; what is to be said to it then is said as soon as it is there.
 */
import type { Exchange } from '#workers/exchange.ts';

export class BegunExchange {
  #exchange: Exchange | undefined;
  #consumed = 0;
  #isAborted = false;

  set(exchange: Exchange): void {
    this.#exchange = exchange;
    if (this.#isAborted) exchange.abort();
    else if (this.#consumed > 0) exchange.consume(this.#consumed);
  }

  consume(byteCount: number): void {
    if (this.#exchange === undefined) this.#consumed += byteCount;
    else this.#exchange.consume(byteCount);
  }

  abort(): void {
    this.#isAborted = true;
    this.#exchange?.abort();
  }
}
