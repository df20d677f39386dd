/**
 * Everything a machine can be told, and what each state makes of it: accept, ignore because it is
 * so already, or deny with a reason. One table decides for the server, the command line and the
 * fakes; a new command or state does not compile until every cell is decided.
 *
 *             created    running    paused     shutdown
 *   boot      accept     deny       deny       accept
 *   pause     deny       accept     ignore     deny
 *   resume    deny       ignore     accept     deny
 *   shutdown  deny       accept     accept     ignore
 *   reboot    deny       accept     deny       deny
 *   delete    accept     by force   by force   accept
 */
import { DroverError } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import type { Machine, MachineState } from './machine.ts';

export type MachineCommand =
  | { readonly kind: 'boot' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** Asks the guest, waits `timeoutMs`, then kills; `force` kills at once. */
  | { readonly kind: 'shutdown'; readonly force: boolean; readonly timeoutMs: number }
  /** As shutdown, then boots again; `force` presses the reset button. */
  | { readonly kind: 'reboot'; readonly force: boolean; readonly timeoutMs: number }
  | { readonly kind: 'delete'; readonly force: boolean };

export type CommandKind = MachineCommand['kind'];

export const COMMAND_KINDS = ['boot', 'pause', 'resume', 'shutdown', 'reboot', 'delete'] as const;

type Cell = 'accept' | 'ignore' | 'force' | { readonly deny: string };

const RUNNING_ALREADY = { deny: 'it is running already' };
const NEVER_BOOTED = { deny: 'it has not been booted' };
const IS_STOPPED = { deny: 'it is shut down' };
const IS_PAUSED = { deny: 'it is paused' };

const TABLE = {
  boot: { created: 'accept', running: RUNNING_ALREADY, paused: IS_PAUSED, shutdown: 'accept' },
  pause: { created: NEVER_BOOTED, running: 'accept', paused: 'ignore', shutdown: IS_STOPPED },
  resume: { created: NEVER_BOOTED, running: 'ignore', paused: 'accept', shutdown: IS_STOPPED },
  shutdown: { created: NEVER_BOOTED, running: 'accept', paused: 'accept', shutdown: 'ignore' },
  reboot: { created: NEVER_BOOTED, running: 'accept', paused: IS_PAUSED, shutdown: IS_STOPPED },
  delete: { created: 'accept', running: 'force', paused: 'force', shutdown: 'accept' },
} as const satisfies Record<CommandKind, Record<MachineState, Cell>>;

export type Decision =
  | { readonly kind: 'accept' }
  | { readonly kind: 'ignore' }
  | { readonly kind: 'deny'; readonly why: string };

export function decide(command: MachineCommand, state: MachineState): Decision {
  const cell: Cell = TABLE[command.kind][state];
  if (cell === 'accept' || cell === 'ignore') return { kind: cell };
  if (cell !== 'force') return { kind: 'deny', why: cell.deny };
  if (command.kind === 'delete' && command.force) return { kind: 'accept' };
  return { kind: 'deny', why: `it is ${state}; shut it down first, or use force=true` };
}

/** What the state would accept, for error texts. */
export function allowedCommands(state: MachineState): readonly CommandKind[] {
  return COMMAND_KINDS.filter((kind) => {
    const cell: Cell = TABLE[kind][state];
    return cell === 'accept' || cell === 'force';
  });
}

/** The same for whoever draws buttons: what force alone makes it obey is called so. */
export function obeyedCommands({ state, isDeleting }: Obeying): readonly string[] {
  if (isDeleting) return [];
  return allowedCommands(state).map((kind) => {
    const cell: Cell = TABLE[kind][state];
    return cell === 'force' ? `force-${kind}` : kind;
  });
}

type Obeying = Pick<Machine, 'state' | 'isDeleting'>;

export function deniedError(
  machineId: MachineId,
  command: MachineCommand,
  { state, why }: { readonly state: MachineState; readonly why: string },
): DroverError {
  const allowed = allowedCommands(state).join(', ');
  return new DroverError(
    'failed_precondition',
    `cannot ${command.kind} VM ${machineId}: ${why} (state ${state}; allowed: ${allowed})`,
    {
      reason: 'VM_STATE_CONFLICT',
      metadata: { vm_id: machineId, command: command.kind, state, allowed },
    },
  );
}

export function beingDeletedError(id: MachineId): DroverError {
  return new DroverError('failed_precondition', `VM ${id} is being deleted`, {
    reason: 'VM_BEING_DELETED',
    metadata: { vm_id: id },
  });
}
