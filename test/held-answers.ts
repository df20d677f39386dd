/** Lets a double of somebody's API refuse, or hold back, what a test says. */
import type { ServerResponse } from 'node:http';

export interface Refusal {
  readonly status: number;
  readonly body?: string;
}

export class HeldAnswers {
  readonly #refusals = new Map<string, Refusal>();
  readonly #held = new Map<string, PromiseWithResolvers<void>>();
  readonly #asked = new Map<string, number>();

  /** From now on this path is answered so; undefined: as usual. */
  refuse(path: string, refusal: Refusal | undefined): void {
    if (refusal === undefined) this.#refusals.delete(path);
    else this.#refusals.set(path, refusal);
  }

  /** From now on this path is not answered, until what is returned is called. */
  hold(path: string): () => void {
    const held = Promise.withResolvers<void>();
    this.#held.set(path, held);
    return () => {
      this.#held.delete(path);
      held.resolve();
    };
  }

  /** How often it was asked. */
  timesAsked(path: string): number {
    return this.#asked.get(path) ?? 0;
  }

  /** Whether it is answered as usual, after whatever holds it. */
  async admit(path: string, response: ServerResponse): Promise<boolean> {
    this.#asked.set(path, this.timesAsked(path) + 1);
    await this.#held.get(path)?.promise;
    const refusal = this.#refusals.get(path);
    if (refusal === undefined) return true;
    response.writeHead(refusal.status).end(refusal.body);
    return false;
  }
}
