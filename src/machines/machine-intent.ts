/**
 * A command that was accepted, on its way to the host that owns the machine.
 *
 *     queued ──▶ running ──▶ done
 *        └────────────────────▲     (withdrawn by its caller before it began)
 *
 * The row is written before anything is done, so a command survives its process: at start the
 * owner takes up what is queued or running and decides anew from what it observes.
 */
import type { DroverError, ErrorKind } from '#kernel/errors.ts';
import type { HostId, IntentId, MachineId } from '#kernel/ids.ts';
import type { MachineCommand } from './machine-command.ts';
import type { MachineState } from './machine.ts';

export type IntentOutcome =
  | {
      readonly kind: 'done';
      readonly state: MachineState;
      /** Which way it went: `guest`, `killed`, `killed-after-timeout`, `reset`… */
      readonly detail: string;
    }
  | {
      readonly kind: 'failed';
      readonly error: {
        readonly kind: ErrorKind;
        readonly message: string;
        readonly reason: string;
        readonly metadata: Readonly<Record<string, string>>;
      };
    };

export interface MachineIntent {
  readonly id: IntentId;
  readonly machineId: MachineId;
  readonly hostId: HostId;
  readonly command: MachineCommand;
  readonly requestedAt: number;
  readonly status: 'queued' | 'running' | 'done';
  readonly startedAt: number | undefined;
  /** The caller went away: stop waiting for the guest, if that is all that is being done. */
  readonly isCancelRequested: boolean;
  readonly outcome: IntentOutcome | undefined;
}

/** Will not wait for the guest, nor let anything before it do so. */
export function isForcing({ command }: MachineIntent): boolean {
  return (command.kind === 'shutdown' || command.kind === 'delete') && command.force;
}

export function isWaitingForGuest({ command }: MachineIntent): boolean {
  return (command.kind === 'shutdown' || command.kind === 'reboot') && !command.force;
}

export function failedOutcome(error: DroverError): IntentOutcome {
  const { kind, message, reason, metadata } = error;
  return { kind: 'failed', error: { kind, message, reason, metadata } };
}
