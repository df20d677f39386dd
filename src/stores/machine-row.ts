/** Between a machine and its row. What the database holds was written here and is trusted. */
import type { Selectable, Updateable } from 'kysely';
import type { CustomerId, HostId, MachineId } from '#kernel/ids.ts';
import type { ProcessRecord } from '#machines/hypervisor.ts';
import type { MachineSpec } from '#machines/machine-spec.ts';
import type { MachineUpdate, NewMachine } from '#machines/machine-store.ts';
import type { AddressLease, Machine, MachineState } from '#machines/machine.ts';
import type { MachineTable } from './schema.ts';

export type MachineRow = Selectable<MachineTable>;

export function rowToMachine(row: MachineRow): Machine {
  return rowWithSpecToMachine(row, JSON.parse(row.spec) as MachineSpec);
}

export function rowWithSpecToMachine(row: Omit<MachineRow, 'spec'>, spec: MachineSpec): Machine {
  return {
    id: row.id as MachineId,
    customerId: row.customer_id as CustomerId,
    hostId: row.host_id as HostId,
    spec,
    state: row.state as MachineState,
    stateReason: row.state_reason,
    stateMessage: row.state_message,
    stateChangedAt: row.state_changed_at,
    isDeleting: row.is_deleting === 1,
    process: row.process === null ? undefined : (JSON.parse(row.process) as ProcessRecord),
    bootedAt: row.booted_at ?? undefined,
    leases: JSON.parse(row.leases) as readonly AddressLease[],
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function newMachineToRow(machine: NewMachine, leases: readonly AddressLease[]): MachineRow {
  const { createdAt, event } = machine;
  return {
    id: machine.id,
    customer_id: machine.customerId,
    host_id: machine.hostId,
    spec: JSON.stringify(machine.spec),
    state: 'created' satisfies MachineState,
    state_reason: event.reason,
    state_message: event.message,
    state_changed_at: createdAt,
    is_deleting: 0,
    process: null,
    booted_at: null,
    leases: JSON.stringify(leases),
    created_at: createdAt,
    updated_at: createdAt,
  };
}

/** Absent keys stay absent, so that their columns are left as they are. */
export function updateToColumns(update: MachineUpdate): Updateable<MachineTable> {
  const { state, stateReason, stateMessage, stateChangedAt, process, bootedAt } = update;
  return {
    updated_at: update.updatedAt,
    ...(state !== undefined && { state }),
    ...(stateReason !== undefined && { state_reason: stateReason }),
    ...(stateMessage !== undefined && { state_message: withoutNul(stateMessage) }),
    ...(stateChangedAt !== undefined && { state_changed_at: stateChangedAt }),
    ...(process !== undefined && { process: process && JSON.stringify(process) }),
    ...(bootedAt !== undefined && { booted_at: bootedAt }),
    ...(update.isDeleting === true && { is_deleting: 1 }),
  };
}

/** Messages may quote a foreign program, and PostgreSQL refuses NUL in text. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}
