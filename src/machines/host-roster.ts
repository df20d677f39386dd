/**
 * Which machines of this host run, and which should and do not. Kept from the events that the
 * journal records, so that asking costs nothing, however many machines the host has.
 *
 *     running, paused ──▶ up ──▶ ended by itself: down ──▶ booted again: up
 *                                ended as asked, or deleted: not here
 */
import type { MachineEvent } from '#events/event.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { isLive, type Machine } from './machine.ts';

/** Why a guest ends that nobody asked to end. */
const FAILURES: ReadonlySet<string> = new Set(['guest-panic', 'process-died', 'unknown']);

export interface RosterEntry {
  readonly machineId: MachineId;
  readonly customerId: CustomerId;
  readonly isUp: boolean;
}

export class HostRoster {
  readonly #entries = new Map<MachineId, RosterEntry>();

  get entries(): Iterable<RosterEntry> {
    return this.#entries.values();
  }

  find(id: string): RosterEntry | undefined {
    return this.#entries.get(id as MachineId);
  }

  /** A machine as it was recorded before this process began. */
  load({ id, customerId, state, stateReason }: Machine): void {
    this.#note({ machineId: id, customerId, state, reason: stateReason });
  }

  hear(events: readonly MachineEvent[]): void {
    for (const event of events) {
      if (event.kind === 'machine.deleted') this.#entries.delete(event.machineId);
      else if (event.kind === 'machine.state-changed') this.#note(event);
    }
  }

  #note({
    machineId,
    customerId,
    state,
    reason,
  }: Pick<MachineEvent, 'machineId' | 'customerId' | 'state' | 'reason'>): void {
    const isUp = isLive(state);
    if (isUp || (state === 'shutdown' && FAILURES.has(reason))) {
      this.#entries.set(machineId, { machineId, customerId, isUp });
    } else {
      this.#entries.delete(machineId);
    }
  }
}
