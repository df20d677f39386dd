import type { Selectable } from 'kysely';
import type { HostId, IntentId, MachineId } from '#kernel/ids.ts';
import type { MachineCommand } from '#machines/machine-command.ts';
import type { IntentOutcome, MachineIntent } from '#machines/machine-intent.ts';
import type { MachineIntentTable } from './schema.ts';

export type IntentRow = Selectable<MachineIntentTable>;

export function rowToIntent(row: IntentRow): MachineIntent {
  return {
    id: row.id as IntentId,
    machineId: row.machine_id as MachineId,
    hostId: row.host_id as HostId,
    command: JSON.parse(row.command) as MachineCommand,
    requestedAt: row.requested_at,
    status: row.status as MachineIntent['status'],
    startedAt: row.started_at ?? undefined,
    isCancelRequested: row.is_cancel_requested === 1,
    outcome: row.outcome === null ? undefined : (JSON.parse(row.outcome) as IntentOutcome),
  };
}

/** A new intent is queued, whatever it says of itself. */
export function newIntentToRow(intent: MachineIntent) {
  return {
    id: intent.id,
    machine_id: intent.machineId,
    host_id: intent.hostId,
    command: JSON.stringify(intent.command),
    status: 'queued' satisfies MachineIntent['status'],
    requested_at: intent.requestedAt,
    started_at: null,
    ended_at: null,
    is_cancel_requested: 0,
    outcome: null,
  };
}

export function endedColumns(outcome: IntentOutcome, at: number) {
  return {
    status: 'done' satisfies MachineIntent['status'],
    ended_at: at,
    outcome: JSON.stringify(outcome),
  };
}
