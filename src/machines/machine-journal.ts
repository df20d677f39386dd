/**
 * What one machine's actor reads and writes. What was observed must not be lost to a full disk or
 * a database that is away: a write is tried again until it succeeds, and only this machine waits
 * for it, and its callers with it. Nothing is told to a caller before it is stored.
 */
import { backoffMs } from '#kernel/backoff.ts';
import type { Clock } from '#kernel/clock.ts';
import { isErrorKind, toDroverError } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import type { MachineEvent } from '#events/event.ts';
import type { HostRoster } from './host-roster.ts';
import type { IntentOutcomes } from './intent-outcomes.ts';
import { deletedEvent, stateChangedEvent } from './machine-events.ts';
import type { IntentOutcome, MachineIntent } from './machine-intent.ts';
import type { MachineStore, MachineUpdate } from './machine-store.ts';
import type { Machine, MachineState } from './machine.ts';

export interface JournalParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: MachineStore;
  readonly outcomes: IntentOutcomes;
  /** Hears of every change that was recorded. */
  readonly roster?: HostRoster;
  /** Aborts when the process lets go of its machines; they run on. */
  readonly closing: AbortSignal;
}

export interface Told {
  readonly reason: string;
  readonly message: string;
}

type Change = Omit<MachineUpdate, 'updatedAt'>;

export class MachineJournal {
  readonly #parts: JournalParts;
  readonly #id: MachineId;

  constructor(parts: JournalParts, id: MachineId) {
    this.#parts = parts;
    this.#id = id;
  }

  load(): Promise<Machine | undefined> {
    return this.#insist(() => this.#parts.store.get(this.#id));
  }

  pendingIntents(): Promise<readonly MachineIntent[]> {
    return this.#insist(() => this.#parts.store.pendingIntentsOf(this.#id));
  }

  /** The intent as it now is, or undefined when it has been withdrawn or performed meanwhile. */
  async start(intent: MachineIntent): Promise<MachineIntent | undefined> {
    const { store, clock } = this.#parts;
    if (!(await this.#insist(() => store.startIntent(intent.id, clock.nowMs())))) return undefined;
    return await this.#insist(() => store.getIntent(intent.id));
  }

  /** Ends the intent, records what came of it, and tells the waiter. */
  async finish(
    intent: MachineIntent,
    outcome: IntentOutcome,
    change: { readonly update: MachineUpdate; readonly events: readonly MachineEvent[] },
  ): Promise<void> {
    const { store, outcomes, roster } = this.#parts;
    const whole = { machineId: this.#id, ...change };
    await this.#insist(() => store.finishIntent(intent.id, outcome, whole));
    roster?.hear(change.events);
    outcomes.settle(intent.id, outcome);
  }

  /** Tells the waiter of an intent that was ended otherwise, with the removal of its machine. */
  async tellEnded(intent: MachineIntent): Promise<void> {
    const { store, outcomes } = this.#parts;
    const ended = await this.#insist(() => store.getIntent(intent.id));
    if (ended?.outcome !== undefined) outcomes.settle(intent.id, ended.outcome);
  }

  async write(
    machine: Machine,
    change: Change,
    events: readonly MachineEvent[],
  ): Promise<Machine | undefined> {
    const { store, clock, roster } = this.#parts;
    const update = { ...change, updatedAt: clock.nowMs() };
    const updated = await this.#insist(() => store.update(machine.id, update, events));
    roster?.hear(events);
    return updated;
  }

  /** A state that was observed, not asked for. */
  async recordState(
    machine: Machine,
    { state, told, ...rest }: Change & { readonly state: MachineState; readonly told: Told },
  ): Promise<Machine | undefined> {
    const change = { ...rest, ...stateChange(state, told, this.#parts.clock.nowMs()) };
    return await this.write(machine, change, [stateChangedEvent(machine, state, told)]);
  }

  /** Every delete that is waiting has what it asked for; the store ends all other intents. */
  async remove(machine: Machine): Promise<void> {
    const { store, outcomes, clock, roster } = this.#parts;
    const pending = await this.pendingIntents();
    const intents = pending.filter(({ command }) => command.kind === 'delete').map(({ id }) => id);
    const outcome: IntentOutcome = { kind: 'done', state: machine.state, detail: 'deleted' };
    const done = { intents, outcome, at: clock.nowMs() };
    const events = [deletedEvent(machine)];
    await this.#insist(() => store.remove(machine.id, events, done));
    roster?.hear(events);
    for (const id of intents) outcomes.settle(id, outcome);
  }

  async #insist<T>(call: () => Promise<T>): Promise<T> {
    const { clock, log, closing } = this.#parts;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await call();
      } catch (thrown) {
        const isPassing = isErrorKind(thrown, 'unavailable') || isErrorKind(thrown, 'aborted');
        if (!isPassing || closing.aborted) throw thrown;
        const error = toDroverError(thrown);
        log.error({ machineId: this.#id, error }, 'storage is unavailable; trying again');
        await clock.sleep(backoffMs(attempt, 100, 5000), closing);
      }
    }
  }
}

export function stateChange(state: MachineState, { reason, message }: Told, now: number) {
  return {
    state,
    stateReason: reason,
    stateMessage: message,
    stateChangedAt: now,
    ...(state === 'shutdown' ? { bootedAt: null, process: null } : {}),
  };
}
