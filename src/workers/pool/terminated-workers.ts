/** Workers that ended a short while ago, as they were last: for whoever wants to see why. */
import { MINUTE_MS } from '#kernel/units.ts';
import type { WorkerView } from '#workers/worker-view.ts';

const SHOWN_MS = MINUTE_MS;
const MOST = 1000;

export class TerminatedWorkers {
  /** In the order in which they ended. */
  readonly #ended = new Map<string, { readonly view: WorkerView; readonly endedAt: number }>();

  add(view: WorkerView, nowMs: number): void {
    this.#ended.set(view.id, { view, endedAt: nowMs });
    if (this.#ended.size > MOST) {
      const [oldest] = this.#ended.keys();
      if (oldest !== undefined) this.#ended.delete(oldest);
    }
  }

  list(nowMs: number): readonly WorkerView[] {
    this.forget(nowMs);
    return [...this.#ended.values()].map(({ view }) => view);
  }

  /** Drops those that were shown for long enough. */
  forget(nowMs: number): void {
    for (const [id, { endedAt }] of this.#ended) {
      if (nowMs - endedAt < SHOWN_MS) return;
      this.#ended.delete(id);
    }
  }
}
