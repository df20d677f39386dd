/**
 * One machine on its own host. All that changes it passes through one queue, so two commands
 * never race, and a machine that is stuck delays nobody else:
 *
 *     intents ─┐
 *     exits   ─┼─▶ queue ─▶ decide by the observed state ─▶ operation ─▶ record, tell the waiter
 *     retries ─┘
 *
 * Invariants: before anything else the guest is found again (`#takeUp`); from then on `#guest` is
 * set exactly while the recorded state is running or paused, apart from the moment inside an
 * operation; an intent is performed once, however often it is offered.
 */
import { backoffMs } from '#kernel/backoff.ts';
import type { Timer } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { IntentId, MachineId } from '#kernel/ids.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { GuestExit, GuestStats, ProcessRecord, RunningGuest } from './hypervisor.ts';
import { runCommand, type CommandResult } from './machine-command-runner.ts';
import { beingDeletedError, decide, deniedError } from './machine-command.ts';
import { MachineDeletion } from './machine-deletion.ts';
import { commandFailedEvent, rebootedEvent, stateChangedEvent } from './machine-events.ts';
import {
  failedOutcome,
  isForcing,
  isWaitingForGuest,
  type IntentOutcome,
  type MachineIntent,
} from './machine-intent.ts';
import { MachineJournal, stateChange, type JournalParts, type Told } from './machine-journal.ts';
import { adopt, kill, observe, reattach, settleStopped, SUPERSEDED } from './machine-operations.ts';
import type { HostParts } from './machine-operations.ts';
import { isLive, type Machine } from './machine.ts';

export type ActorParts = HostParts & JournalParts;

const CANCELLED = new DroverError('cancelled', 'the caller gave up waiting for the guest');

export class MachineActor {
  readonly #parts: ActorParts;
  readonly #id: MachineId;
  readonly #journal: MachineJournal;
  readonly #deletion: MachineDeletion;
  readonly #queue = new SerialQueue();
  readonly #offered = new Set<IntentId>();
  #isTakenUp = false;
  #takeUpFailures = 0;
  #takeUpRetry: Timer | undefined;
  #guest: RunningGuest | undefined;
  /** What is being performed, and how to end its wait for the guest. */
  #current: { readonly intent: MachineIntent; readonly patience: AbortController } | undefined;

  constructor(parts: ActorParts, id: MachineId) {
    this.#parts = parts;
    this.#id = id;
    this.#journal = new MachineJournal(parts, id);
    this.#deletion = new MachineDeletion({
      host: parts,
      journal: this.#journal,
      stopGuest: (machine) => this.#stopGuest(machine),
      again: () => this.#deleteAgain(),
    });
  }

  /** Nothing to do and nothing to watch: the reconciler may forget this actor. */
  get isIdle(): boolean {
    const isRetrying = this.#deletion.isUnfinished || this.#takeUpFailures > 0;
    return this.#queue.length === 0 && this.#guest === undefined && !isRetrying;
  }

  /** Intents it has taken and not yet ended. */
  get offeredCount(): number {
    return this.#offered.size;
  }

  /** Takes up an intent, once; and hears when its caller has gone, or a later one forces it. */
  offer(intent: MachineIntent): void {
    const current = this.#current;
    if (current?.intent.id === intent.id) {
      if (intent.isCancelRequested) current.patience.abort(CANCELLED);
      return;
    }
    if (this.#offered.has(intent.id)) return;
    this.#offered.add(intent.id);
    if (isForcing(intent)) current?.patience.abort(SUPERSEDED);
    void this.#enqueue(() => this.#perform(intent));
  }

  /** At start: finds the guest again, or records honestly that it is gone. Never rejects. */
  takeUp(): Promise<void> {
    return this.#enqueue(async () => {
      const machine = await this.#journal.load();
      if (machine !== undefined) await this.#takeUp(machine);
    });
  }

  async stats(signal: AbortSignal): Promise<GuestStats | undefined> {
    return await this.#guest?.stats(signal);
  }

  /** Lets the guest run on, unwatched. */
  async letGo(): Promise<void> {
    this.#takeUpRetry?.cancel();
    this.#deletion[Symbol.dispose]();
    await this.#queue.idle();
    if (this.#guest !== undefined) await this.#letGoOf(this.#guest);
  }

  /** What fails here has told its caller, or stays in the store and is offered again. */
  async #enqueue(job: () => Promise<void>): Promise<void> {
    const { closing, log } = this.#parts;
    try {
      await this.#queue.run(async () => {
        if (!closing.aborted) await job();
      });
    } catch (thrown) {
      if (closing.aborted) return;
      log.error({ machineId: this.#id, error: toDroverError(thrown) }, 'work on a machine failed');
    }
  }

  /** Returns the machine as it is found. */
  async #takeUp(machine: Machine): Promise<Machine> {
    if (this.#isTakenUp) return machine;
    try {
      const found = mayHaveGuest(machine) ? await this.#findGuest(machine) : machine;
      this.#isTakenUp = true;
      this.#takeUpFailures = 0;
      this.#takeUpRetry?.cancel();
      if (machine.isDeleting) this.#deleteAgain();
      return found;
    } catch (thrown) {
      if (this.#parts.closing.aborted) throw thrown;
      const wait = backoffMs(this.#takeUpFailures, SECOND_MS, MINUTE_MS);
      this.#takeUpFailures += 1;
      this.#takeUpRetry?.cancel();
      this.#takeUpRetry = this.#parts.clock.after(wait, () => void this.takeUp());
      throw thrown;
    }
  }

  async #findGuest(machine: Machine): Promise<Machine> {
    const { closing, capacity, clock, log } = this.#parts;
    const guest = await adopt(this.#parts, machine, closing);
    if (guest === undefined) {
      if (!isLive(machine.state)) return machine;
      return await this.#recordStopped(machine, {
        reason: 'unknown',
        message: 'its process ended while Drover was not running',
      });
    }
    capacity.adopt(machine.id, machine.spec);
    this.#watch(guest);
    await reattach(this.#parts, machine);
    const known = machine.state === 'paused' ? 'paused' : 'running';
    // When the process lives but does not answer, what was known last is the best there is.
    const state = (await observe(this.#parts, guest)) ?? known;
    const isSameRun = machine.process !== undefined && isSame(machine.process, guest.record);
    log.info({ machineId: machine.id, pid: guest.record.pid, state }, 'machine found running');
    if (state === machine.state && isSameRun) return machine;
    const found = await this.#journal.recordState(machine, {
      state,
      process: guest.record,
      ...(isSameRun ? {} : { bootedAt: clock.nowMs() }),
      told: { reason: 'adopted', message: 'found running when Drover started' },
    });
    return found ?? machine;
  }

  /** The guest, or none, takes the place of the one before. */
  #watch(guest: RunningGuest | undefined): void {
    const before = this.#guest;
    if (before === guest) return;
    this.#guest = guest;
    guest?.onReset(() => void this.#enqueue(() => this.#observeReset(guest)));
    void guest?.exited.then((exit) => this.#enqueue(() => this.#observeExit(guest, exit)));
    if (before !== undefined) void this.#letGoOf(before);
  }

  async #letGoOf(guest: RunningGuest): Promise<void> {
    try {
      await guest[Symbol.asyncDispose]();
    } catch (thrown) {
      const error = toDroverError(thrown);
      this.#parts.log.warn({ machineId: this.#id, error }, 'letting go of a guest failed');
    }
  }

  async #observeExit(guest: RunningGuest, exit: GuestExit): Promise<void> {
    if (this.#guest !== guest) return;
    const machine = await this.#journal.load();
    if (machine !== undefined) await this.#recordStopped(machine, exit);
  }

  async #observeReset(guest: RunningGuest): Promise<void> {
    if (this.#guest !== guest) return;
    const machine = await this.#journal.load();
    if (machine === undefined) return;
    const told = { reason: 'guest-reset', message: 'the guest restarted itself' };
    await this.#journal.write(machine, {}, [rebootedEvent(machine, told)]);
  }

  async #perform(offered: MachineIntent): Promise<void> {
    const { closing } = this.#parts;
    try {
      const machine = await this.#journal.load();
      if (machine === undefined) return await this.#journal.tellEnded(offered);
      const intent = await this.#journal.start(offered);
      if (intent === undefined) return;
      const patience = new AbortController();
      this.#current = { intent, patience };
      await this.#hearWhoCameMeanwhile(intent, patience);
      let found = machine;
      let result: CommandResult;
      try {
        found = await this.#takeUpFor(intent, machine);
        const isResumed = offered.status === 'running';
        result = await this.#run(found, intent, { patience: patience.signal, isResumed });
      } catch (thrown) {
        result = { kind: 'failed', error: toDroverError(thrown) };
      }
      // A process that is going away leaves what it cut short as it is, for the next one.
      const isCutShort = result.kind === 'failed' || (result.kind === 'changed' && result.error);
      if (!closing.aborted || !isCutShort) await this.#finish(intent, found, result);
    } finally {
      this.#current = undefined;
      this.#offered.delete(offered.id);
    }
  }

  /** From here on `offer` tells; what was stored before has to be read. */
  async #hearWhoCameMeanwhile(intent: MachineIntent, patience: AbortController): Promise<void> {
    if (intent.isCancelRequested) patience.abort(CANCELLED);
    if (!isWaitingForGuest(intent)) return;
    const later = (await this.#journal.pendingIntents()).filter(({ id }) => id !== intent.id);
    if (later.some(isForcing)) patience.abort(SUPERSEDED);
  }

  async #takeUpFor({ command }: MachineIntent, machine: Machine): Promise<Machine> {
    try {
      return await this.#takeUp(machine);
    } catch (thrown) {
      // Tearing down ends whatever is there, whether or not it can still be talked to.
      if (command.kind === 'delete') return machine;
      throw thrown;
    }
  }

  async #run(
    machine: Machine,
    { command, startedAt }: MachineIntent,
    { patience, isResumed }: { readonly patience: AbortSignal; readonly isResumed: boolean },
  ): Promise<CommandResult> {
    const decision = decide(command, machine.state);
    const { kind } = command;
    if (kind === 'delete' && (machine.isDeleting || decision.kind !== 'deny')) {
      await this.#deletion.run(machine);
      return { kind: 'removed' };
    }
    if (machine.isDeleting) return { kind: 'denied', error: beingDeletedError(machine.id) };
    // Taken up after a crash, what began may have been done already, or a reboot half done.
    const isSince = machine.bootedAt !== undefined && machine.bootedAt > (startedAt ?? Infinity);
    const isReached =
      isResumed &&
      machine.state === 'running' &&
      (kind === 'boot' || (kind === 'reboot' && isSince));
    if (decision.kind === 'ignore' || isReached) return { kind: 'unchanged', detail: 'already' };
    const isHalfRebooted = isResumed && kind === 'reboot' && machine.state === 'shutdown';
    if (kind === 'delete' || (decision.kind === 'deny' && !isHalfRebooted)) {
      const why = decision.kind === 'deny' ? decision.why : '';
      const error = deniedError(machine.id, command, { state: machine.state, why });
      return { kind: 'denied', error };
    }
    return await runCommand(this.#parts, {
      machine,
      command: isHalfRebooted ? { kind: 'boot' } : command,
      guest: this.#guest,
      signal: this.#parts.closing,
      patience,
    });
  }

  async #finish(intent: MachineIntent, before: Machine, result: CommandResult): Promise<void> {
    const unchanged = { update: { updatedAt: before.updatedAt }, events: [] };
    switch (result.kind) {
      case 'removed':
        return;
      case 'unchanged': {
        const outcome = { kind: 'done', state: before.state, detail: result.detail } as const;
        return await this.#journal.finish(intent, outcome, unchanged);
      }
      case 'denied':
        return await this.#journal.finish(intent, failedOutcome(result.error), unchanged);
      case 'failed': {
        const { error } = result;
        this.#logFailure(intent, error);
        const told = { reason: error.reason, message: error.message };
        const events = [commandFailedEvent(before, told)];
        const change = { ...unchanged, events };
        return await this.#journal.finish(intent, failedOutcome(error), change);
      }
      case 'changed':
        return await this.#finishChanged(intent, before, result);
    }
  }

  async #finishChanged(
    intent: MachineIntent,
    before: Machine,
    result: Extract<CommandResult, { kind: 'changed' }>,
  ): Promise<void> {
    const { state, guest, error, detail } = result;
    const now = this.#parts.clock.nowMs();
    this.#watch(guest);
    const told = { reason: result.reason, message: result.message };
    const update = {
      ...stateChange(state, told, now),
      updatedAt: now,
      process: guest?.record ?? null,
      ...(result.isFreshBoot ? { bootedAt: now } : {}),
    };
    const event = result.isReboot
      ? rebootedEvent(before, told)
      : stateChangedEvent(before, state, told);
    const outcome: IntentOutcome =
      error === undefined ? { kind: 'done', state, detail } : failedOutcome(error);
    if (error !== undefined) this.#logFailure(intent, error);
    await this.#journal.finish(intent, outcome, { update, events: [event] });
  }

  #logFailure({ command }: MachineIntent, error: DroverError): void {
    const level = error.kind === 'internal' ? 'error' : 'info';
    const fields = { machineId: this.#id, command: command.kind, error };
    this.#parts.log[level](fields, 'command failed');
  }

  async #stopGuest(machine: Machine): Promise<Machine> {
    if (this.#guest === undefined) return machine;
    await kill(this.#parts, this.#guest);
    const told = { reason: 'killed', message: 'stopped in order to delete it' };
    return await this.#recordStopped(machine, told);
  }

  #deleteAgain(): void {
    void this.#enqueue(async () => {
      const machine = await this.#journal.load();
      if (machine !== undefined) await this.#deletion.run(machine);
    });
  }

  async #recordStopped(machine: Machine, told: Told): Promise<Machine> {
    this.#watch(undefined);
    const { reason, message } = told;
    const state = 'shutdown';
    const stopped = await this.#journal.recordState(machine, { state, told: { reason, message } });
    await settleStopped(this.#parts, machine);
    return stopped ?? machine;
  }
}

/** A machine that never ran, or has stopped and been recorded so, has nothing to find again. */
export function mayHaveGuest({ state, process, isDeleting }: Machine): boolean {
  return isLive(state) || process !== undefined || isDeleting;
}

function isSame(one: ProcessRecord, other: ProcessRecord): boolean {
  return one.pid === other.pid && one.startTicks === other.startTicks;
}
