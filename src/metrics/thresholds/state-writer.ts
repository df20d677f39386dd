/**
 * Brings transitions to the store, in the order in which they were decided, however long the store
 * is away. Its memory is bounded by its caller, who decides on no alert whose last transition is
 * still on its way: so there is at most one for each.
 */
import { untilAborted } from '#kernel/abort.ts';
import { backoffMs } from '#kernel/backoff.ts';
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { labelsToText } from '#metrics/labels.ts';
import type { RuleStore, StateKey, StateTransition, StoredState } from './rule-store.ts';

export interface StateWriterParts {
  readonly store: Pick<RuleStore, 'commit' | 'save'>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Waiting {
  readonly transition: StateTransition;
  readonly onCommitted: () => void;
}

type Note =
  | { readonly kind: 'save'; readonly state: StoredState }
  | { readonly kind: 'forget'; readonly key: StateKey };

const BATCH = 200;
const FIRST_RETRY_MS = 500;
const MOST_RETRY_MS = 30_000;
const LAST_WRITE_MS = 2000;

/** So often a failure that nobody foresaw is taken to be of the moment, not of what is written. */
const PUZZLED_ATTEMPTS = 5;

export class StateWriter implements AsyncDisposable {
  readonly #parts: StateWriterParts;
  readonly #stopping = new AbortController();
  /** In the order of the decisions. */
  #waiting: Waiting[] = [];
  /** Less urgent, and only the last word on an alert counts. */
  readonly #notes = new Map<string, Note>();
  #running: Promise<void> | undefined;
  #failures = 0;

  constructor(parts: StateWriterParts) {
    this.#parts = parts;
  }

  /** Transitions that have not reached the store. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether the store took nothing when it was tried last. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  commit(transition: StateTransition, onCommitted: () => void): void {
    // What was noted before would undo it.
    this.#notes.delete(placeOf(transition.state));
    this.#waiting.push({ transition, onCommitted });
    this.#run();
  }

  save(state: StoredState): void {
    this.#notes.set(placeOf(state), { kind: 'save', state });
  }

  forget(key: StateKey): void {
    this.#notes.set(placeOf(key), { kind: 'forget', key });
  }

  /** Notes are written when this is called, a few at a time of many. */
  flush(): void {
    if (this.#notes.size > 0) this.#run();
  }

  /** Resolves when everything given so far is written, or the writer stops. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Tries once more to write what is left, for a moment. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { clock } = this.#parts;
    const timer = clock.after(LAST_WRITE_MS, () => this.#stopping.abort());
    if (this.isFailing) this.#stopping.abort();
    this.flush();
    // A store that hangs is left to whoever closes it.
    await untilAborted(this.idle(), this.#stopping.signal).catch(() => undefined);
    timer.cancel();
    this.#stopping.abort();
  }

  #run(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  async #work(): Promise<void> {
    const { clock, log } = this.#parts;
    while (this.#waiting.length > 0 || this.#notes.size > 0) {
      try {
        await (this.#waiting.length > 0 ? this.#commitSome() : this.#saveSome());
        this.#failures = 0;
      } catch (thrown) {
        if (this.#failures === 0) {
          const { message } = toDroverError(thrown);
          log.warn({ error: thrown, waiting: this.#waiting.length }, `alerts wait: ${message}`);
        }
        this.#failures += 1;
      }
      if (this.#stopping.signal.aborted) return;
      if (this.#failures === 0) continue;
      const waitMs = backoffMs(this.#failures - 1, FIRST_RETRY_MS, MOST_RETRY_MS);
      // Rejected when the writer is to stop, which is looked at next.
      await clock.sleep(waitMs, this.#stopping.signal).catch(() => undefined);
      if (this.#stopping.signal.aborted) return;
    }
  }

  async #commitSome(): Promise<void> {
    const batch = this.#waiting.slice(0, BATCH);
    try {
      await this.#parts.store.commit(batch.map(({ transition }) => transition));
    } catch (thrown) {
      if (this.#mayPass(thrown)) throw thrown;
      await this.#commitEach(batch);
    }
    this.#waiting = this.#waiting.slice(batch.length);
    for (const { onCommitted } of batch) onCommitted();
  }

  /** One that cannot be written must not keep all others from being. */
  async #commitEach(batch: readonly Waiting[]): Promise<void> {
    for (const { transition } of batch) {
      try {
        await this.#parts.store.commit([transition]);
      } catch (thrown) {
        if (this.#mayPass(thrown)) throw thrown;
        const { ruleName, labels, kind } = transition.event;
        this.#parts.log.error(
          { error: thrown, rule: ruleName, labels, kind },
          'an alert cannot be stored and is told to nobody',
        );
      }
    }
  }

  async #saveSome(): Promise<void> {
    const taken = [...this.#notes].slice(0, BATCH);
    const states: StoredState[] = [];
    const forgotten: StateKey[] = [];
    for (const [, note] of taken) {
      if (note.kind === 'save') states.push(note.state);
      else forgotten.push(note.key);
    }
    try {
      await this.#parts.store.save(states, forgotten);
    } catch (thrown) {
      if (this.#mayPass(thrown)) throw thrown;
      this.#parts.log.error({ error: thrown }, 'how far alerts are cannot be stored');
    }
    for (const [place, note] of taken) {
      if (this.#notes.get(place) === note) this.#notes.delete(place);
    }
  }

  /** Whether trying the same again may help. */
  #mayPass(thrown: unknown): boolean {
    const { kind } = toDroverError(thrown);
    if (kind === 'internal') return this.#failures < PUZZLED_ATTEMPTS;
    return kind !== 'invalid_argument';
  }
}

/** Of the state in the store; the same for this rule and series, now and later. */
function placeOf({ instanceId, ruleId, labels }: StateKey): string {
  return `${instanceId} ${ruleId}{${labelsToText(labels)}}`;
}
