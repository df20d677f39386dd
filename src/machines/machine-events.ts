/** One builder per thing that happens to a machine, so that every event of a kind reads alike. */
import type { MachineEvent } from '#events/event.ts';
import type { Machine, MachineState } from './machine.ts';

type Subject = Pick<Machine, 'id' | 'customerId'>;
interface Told {
  readonly reason: string;
  readonly message: string;
}

function subject({ id, customerId }: Subject) {
  return { machineId: id, customerId };
}

export function createdEvent(machine: Subject): MachineEvent {
  return {
    kind: 'machine.created',
    state: 'created',
    ...subject(machine),
    reason: 'requested',
    message: 'created on request',
  };
}

export function stateChangedEvent(machine: Machine, to: MachineState, told: Told): MachineEvent {
  return {
    kind: 'machine.state-changed',
    from: machine.state,
    state: to,
    ...subject(machine),
    ...told,
  };
}

export function rebootedEvent(machine: Machine, told: Told): MachineEvent {
  return { kind: 'machine.rebooted', state: 'running', ...subject(machine), ...told };
}

export function commandFailedEvent(machine: Machine, told: Told): MachineEvent {
  return { kind: 'machine.command-failed', state: machine.state, ...subject(machine), ...told };
}

export function teardownFailedEvent(machine: Machine, told: Told): MachineEvent {
  return { kind: 'machine.teardown-failed', state: machine.state, ...subject(machine), ...told };
}

export function deletedEvent(machine: Machine): MachineEvent {
  return {
    kind: 'machine.deleted',
    state: machine.state,
    ...subject(machine),
    reason: 'requested',
    message: 'deleted on request; nothing of it is left on the host',
  };
}
