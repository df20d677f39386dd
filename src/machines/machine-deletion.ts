/**
 * Deletion is never given up:
 *
 *     asked for ─▶ marked ─▶ guest ended ─▶ network and files removed ─▶ row removed
 *                    ▲                                  │
 *                    └── after a while, until it works ─┘ told once, as an event
 *
 * The row goes last, so what is left on the host always has a row to tell of it, and an address
 * is handed out again only when nothing can be using it.
 */
import { backoffMs } from '#kernel/backoff.ts';
import type { Timer } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { teardownFailedEvent } from './machine-events.ts';
import type { JournalParts, MachineJournal } from './machine-journal.ts';
import { teardown, type HostParts } from './machine-operations.ts';
import type { Machine } from './machine.ts';

export interface DeletionParts {
  readonly host: HostParts & JournalParts;
  readonly journal: MachineJournal;
  /** Ends the guest, if there is one, and records it. */
  readonly stopGuest: (machine: Machine) => Promise<Machine>;
  /** Has `run` called again, in turn with whatever else concerns the machine. */
  readonly again: () => void;
}

export class MachineDeletion implements Disposable {
  readonly #parts: DeletionParts;
  #failures = 0;
  #retry: Timer | undefined;

  constructor(parts: DeletionParts) {
    this.#parts = parts;
  }

  get isUnfinished(): boolean {
    return this.#failures > 0;
  }

  /** Throws what the caller is told when something is left; then the next try is armed. */
  async run(machine: Machine): Promise<void> {
    const { host, journal, stopGuest } = this.#parts;
    let present = machine;
    try {
      if (!machine.isDeleting) await journal.write(machine, { isDeleting: true }, []);
      present = await stopGuest(machine);
      await teardown(host, present);
      await journal.remove(present);
    } catch (thrown) {
      throw await this.#failed(present, toDroverError(thrown));
    }
    this.#retry?.cancel();
    this.#failures = 0;
  }

  [Symbol.dispose](): void {
    this.#retry?.cancel();
  }

  async #failed(machine: Machine, error: DroverError): Promise<DroverError> {
    const { host, journal, again } = this.#parts;
    if (host.closing.aborted) return error;
    host.log.error({ machineId: machine.id, error }, 'teardown failed; it will be tried again');
    // A caller that asks again tries at once; that must not leave a second timer behind.
    this.#retry?.cancel();
    this.#retry = host.clock.after(backoffMs(this.#failures, SECOND_MS, MINUTE_MS), again);
    this.#failures += 1;
    if (this.#failures === 1) {
      const told = { reason: error.reason, message: error.message };
      await journal.write(machine, {}, [teardownFailedEvent(machine, told)]);
    }
    return new DroverError(
      'unavailable',
      `VM ${machine.id} is not wholly removed yet: ${error.message}; Drover keeps trying`,
      { reason: 'TEARDOWN_INCOMPLETE', metadata: { vm_id: machine.id }, cause: error },
    );
  }
}
