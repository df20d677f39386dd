/**
 * Whether the server answers, found out by what is asked of it anyway.
 *
 *   online ── a request fails ──▶ offline ── try, wait longer, try … ── an answer ──▶ online
 *
 * What always holds: while online nothing is asked for its own sake; while offline one request goes
 * out at a time, after a wait that doubles up to half a minute.
 */
import { backoffMs, jitterMs } from '#kernel/backoff.ts';
import { Store } from './store.ts';

const FIRST_WAIT_MS = 1000;
const MOST_WAIT_MS = 30_000;
const PROBE_DEADLINE_MS = 5000;
const PROBE_PATH = '/api/session';

export interface Connection {
  readonly isOnline: boolean;
  /** When the server last answered; undefined before the first answer. */
  readonly answeredAt: number | undefined;
  /** When it is tried again; undefined while it is being tried, and while online. */
  readonly nextTryAt: number | undefined;
}

export class Connectivity {
  /** Told when this changes between online and offline, and at each try. */
  readonly store = new Store<Connection>({
    isOnline: true,
    answeredAt: undefined,
    nextTryAt: undefined,
  });
  readonly #probe: () => Promise<void>;
  #answeredAt: number | undefined;
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(probe: () => Promise<void>) {
    this.#probe = probe;
  }

  answered(): void {
    this.#answeredAt = Date.now();
    if (this.store.value.isOnline) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tries = 0;
    this.store.set({ isOnline: true, answeredAt: this.#answeredAt, nextTryAt: undefined });
  }

  failed(): void {
    if (this.#timer !== undefined) return;
    this.#wait();
  }

  tryNow(): void {
    if (this.store.value.isOnline) return;
    clearTimeout(this.#timer);
    this.#try();
  }

  #wait(): void {
    const waitMs = jitterMs(backoffMs(this.#tries, FIRST_WAIT_MS, MOST_WAIT_MS), Math.random());
    this.#tries += 1;
    this.store.set({
      ...{ isOnline: false, answeredAt: this.#answeredAt, nextTryAt: Date.now() + waitMs },
    });
    this.#timer = setTimeout(() => this.#try(), waitMs);
  }

  #try(): void {
    this.store.set({ isOnline: false, answeredAt: this.#answeredAt, nextTryAt: undefined });
    this.#probe().then(
      () => this.answered(),
      () => {
        if (!this.store.value.isOnline) this.#wait();
      },
    );
  }
}

export const connectivity = new Connectivity(async () => {
  const signal = AbortSignal.timeout(PROBE_DEADLINE_MS);
  await fetch(PROBE_PATH, { signal, cache: 'no-store' });
});
