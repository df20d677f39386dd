/** Between the domain's states and the wire's. Both tables are whole, or this does not compile. */
import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import type { MachineState } from '#machines/machine.ts';

const TO_WIRE = {
  created: VmState.CREATED,
  running: VmState.RUNNING,
  paused: VmState.PAUSED,
  shutdown: VmState.SHUTDOWN,
} as const satisfies Record<MachineState, VmState>;

export function stateToWire(state: MachineState): VmState {
  return TO_WIRE[state];
}

export function parseStateFilter(filter: readonly VmState[]): readonly MachineState[] {
  const states = new Set<MachineState>();
  for (const [index, wanted] of filter.entries()) {
    const found = (Object.keys(TO_WIRE) as MachineState[]).find((s) => TO_WIRE[s] === wanted);
    if (found === undefined) {
      throw invalidArgument(
        `state_filter[${index}]`,
        'must be VM_STATE_CREATED, VM_STATE_RUNNING, VM_STATE_PAUSED or VM_STATE_SHUTDOWN',
      );
    }
    states.add(found);
  }
  return [...states];
}
