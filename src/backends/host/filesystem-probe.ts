/**
 * One mounted filesystem that is asked for its room again and again, and may not answer:
 *
 *   resting ──ask──▶ asking ──answer or error──▶ resting
 *                      │
 *                      └─deadline─▶ stuck ──answer or error, at last──▶ resting
 *
 * While a call is outstanding there is never a second one for the same filesystem. One that was
 * stuck is asked again after a pause that grows each time, and nobody waits for its answer.
 */
import { backoffMs } from '#kernel/backoff.ts';
import type { FilesystemMount } from './filesystem-mounts.ts';
import type { AskStatfs, FilesystemSpace, StatfsQuestion } from './statfs-question.ts';

export type ProbeResult =
  | { readonly kind: 'space'; readonly space: FilesystemSpace }
  | { readonly kind: 'error'; readonly error: unknown };

/** Those with somebody behind them are asked by a child process each time. */
const REMOTE_PERIOD_MS = 15_000;
const LONGEST_PAUSE_MS = 300_000;

export class FilesystemProbe {
  readonly mount: FilesystemMount;
  /** Of the last call that ended or ran out of time; undefined before there was one. */
  result: ProbeResult | undefined;
  #question: StatfsQuestion | undefined;
  #isStuck = false;
  #strikes = 0;
  #nextAtMs = -Infinity;

  constructor(mount: FilesystemMount) {
    this.mount = mount;
  }

  get isAsking(): boolean {
    return this.#question !== undefined;
  }

  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** Whether its next answer is worth waiting for: the last one came in time. */
  get isPrompt(): boolean {
    return this.#strikes === 0;
  }

  isDue(nowMs: number): boolean {
    return this.#question === undefined && nowMs >= this.#nextAtMs;
  }

  /** Resolves when the call has ended, which may be never. */
  async ask(how: AskStatfs, nowMs: number): Promise<void> {
    const { mountPoint, isLocal } = this.mount;
    const restMs = isLocal ? 0 : REMOTE_PERIOD_MS;
    this.#nextAtMs = nowMs + Math.max(restMs, this.#pauseMs());
    const question = how(mountPoint);
    this.#question = question;
    try {
      this.result = { kind: 'space', space: await question.answer };
      if (!this.#isStuck) this.#strikes = 0;
    } catch (error) {
      this.result = { kind: 'error', error };
    } finally {
      this.#question = undefined;
      this.#isStuck = false;
    }
  }

  /** The deadline has passed: what was known is no longer true, and the call is given up. */
  giveUp(nowMs: number): void {
    if (this.#question === undefined || this.#isStuck) return;
    this.#isStuck = true;
    this.#strikes += 1;
    this.#nextAtMs = nowMs + this.#pauseMs();
    this.result = { kind: 'error', error: new Error('statfs did not return in time') };
    this.#question.abandon();
  }

  /** It is not asked now: too many others have not answered. So nothing is known of it either. */
  refuse(nowMs: number): void {
    this.#nextAtMs = nowMs + REMOTE_PERIOD_MS;
    this.result = { kind: 'error', error: new Error('too many filesystems do not answer') };
  }

  #pauseMs(): number {
    if (this.#strikes === 0) return 0;
    return backoffMs(this.#strikes - 1, REMOTE_PERIOD_MS, LONGEST_PAUSE_MS);
  }
}
