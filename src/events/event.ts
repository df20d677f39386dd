/**
 * The closed catalogue of what can happen in Drover. An event is written in the same transaction
 * as the change it tells of, so a change without its event, or the reverse, cannot exist.
 *
 * Ids grow in the order of commits: who has seen event N and asks for "after N" misses nothing.
 */
import type { CustomerId, MachineId } from '#kernel/ids.ts';

/** Mirrors the machine states; the domain owns their meaning. */
export type MachineStateName = 'created' | 'running' | 'paused' | 'shutdown';

interface MachineEventFields {
  readonly machineId: MachineId;
  readonly customerId: CustomerId;
  /** A stable lower-case word: `requested`, `guest-poweroff`, `killed-after-timeout`… */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

export type DomainEvent =
  | ({ readonly kind: 'machine.created'; readonly state: 'created' } & MachineEventFields)
  | ({
      readonly kind: 'machine.state-changed';
      readonly from: MachineStateName;
      readonly state: MachineStateName;
    } & MachineEventFields)
  /** The guest reset itself, or was reset, without its process ending. */
  | ({ readonly kind: 'machine.rebooted'; readonly state: MachineStateName } & MachineEventFields)
  /** A command was accepted and then failed; the machine is as `state` says. */
  | ({
      readonly kind: 'machine.command-failed';
      readonly state: MachineStateName;
    } & MachineEventFields)
  /** Deletion could not finish; it is tried again until it does. */
  | ({
      readonly kind: 'machine.teardown-failed';
      readonly state: MachineStateName;
    } & MachineEventFields)
  | ({ readonly kind: 'machine.deleted'; readonly state: MachineStateName } & MachineEventFields);

export interface RecordedEvent {
  readonly id: number;
  readonly at: number;
  readonly event: DomainEvent;
}
