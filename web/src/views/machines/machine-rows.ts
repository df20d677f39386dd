/** Machines as rows of the list. */
import type { VmInfo } from '#gen/vmprovisioner/v1/vm_pb.js';
import { filterRows } from '#web/format/sort-rows.ts';
import { parseInstant } from '#web/format/times.ts';
import type { Commanded } from './machine-command.ts';
import { stateName, standingOf, type StateName } from './machine-state.ts';

export interface Load {
  /** From 0 to 100: all of its processors. */
  readonly cpu: number | null;
  /** From 0 to 100: of what it was given. */
  readonly memory: number | null;
}

export interface MachineRow extends Commanded {
  readonly vm: VmInfo;
  readonly state: StateName | undefined;
  readonly since: number | undefined;
  readonly load: Load;
}

const NO_LOAD: Load = { cpu: null, memory: null };

export function machineName(id: string, metadata: Readonly<Record<string, string>>): string {
  const name = metadata['name'];
  return name === undefined || name === '' ? id : name;
}

/** The row that a machine had, for as long as neither it nor its load is another. */
const known = new WeakMap<VmInfo, MachineRow>();

export function toMachineRow(vm: VmInfo, loads: ReadonlyMap<string, Load>): MachineRow {
  const state = stateName(vm.state);
  // What was measured last is not what a machine uses that is off.
  const isOn = state === 'running' || state === 'paused';
  const load = (isOn ? loads.get(vm.vmId) : undefined) ?? NO_LOAD;
  const before = known.get(vm);
  if (before?.load.cpu === load.cpu && before.load.memory === load.memory) return before;
  const row: MachineRow = {
    ...{ vm, state, load, id: vm.vmId, name: machineName(vm.vmId, vm.metadata) },
    allowed: vm.allowedCommands,
    since: parseInstant(vm.stateChangedAt),
  };
  known.set(vm, row);
  return row;
}

export interface Choice {
  readonly q: string;
  readonly state: string;
}

/** `state` is a state's name, `crashed`, or nothing. */
export function chooseRows(
  rows: readonly MachineRow[],
  { q, state }: Choice,
): readonly MachineRow[] {
  const those = state === '' ? rows : rows.filter((row) => isOfState(row, state));
  return filterRows(those, q, ({ id, name, vm }) => [
    ...[id, name, vm.customerId, standingOf(vm).text],
    ...Object.entries(vm.metadata).flat(),
  ]);
}

export function isOfState({ vm, state }: MachineRow, wanted: string): boolean {
  return wanted === 'crashed' ? standingOf(vm).kind === 'error' : state === wanted;
}
