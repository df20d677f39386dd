/** The silences that hold now; read again at times, for another process may make some too. */
import type { Clock } from '#kernel/clock.ts';
import { randomHex } from '#kernel/random.ts';
import type { Labels } from '#metrics/labels.ts';
import { compileMatchers } from './label-filter.ts';
import type { Rule } from './rule.ts';
import { silenceNotFound, type Silence, type SilenceDraft, type SilenceStore } from './silence.ts';

interface Held {
  readonly silence: Silence;
  readonly matches: (labels: Labels) => boolean;
}

const MOST_SILENCES = 500;

export class SilenceBook {
  readonly #store: SilenceStore;
  readonly #clock: Clock;
  #held: readonly Held[] = [];

  constructor(store: SilenceStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The next to end first. */
  list(): readonly Silence[] {
    const nowMs = this.#clock.nowMs();
    return this.#held.flatMap(({ silence }) => (silence.untilMs > nowMs ? [silence] : []));
  }

  async create(draft: SilenceDraft, createdBy: string): Promise<Silence> {
    const nowMs = this.#clock.nowMs();
    const silence = { id: `silence_${randomHex(8)}`, ...draft, createdBy, createdAt: nowMs };
    await this.#store.insertSilence(silence, { most: MOST_SILENCES, nowMs });
    await this.refresh();
    return silence;
  }

  /** Ends it now. */
  async remove(id: string): Promise<void> {
    if (!(await this.#store.removeSilence(id))) throw silenceNotFound();
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const stored = await this.#store.silences();
    this.#held = stored
      .toSorted((a, b) => a.untilMs - b.untilMs)
      .map((silence) => ({ silence, matches: compileMatchers(silence.matchers) }));
  }

  /** The one that lasts longest of those that match; undefined: it may be told. */
  find({ name, severity, labels: more }: Rule, labels: Labels): Silence | undefined {
    if (this.#held.length === 0) return undefined;
    const nowMs = this.#clock.nowMs();
    const all = { ...more, ...labels, rule: name, severity };
    return this.#held.findLast(({ silence, matches }) => silence.untilMs > nowMs && matches(all))
      ?.silence;
  }
}
