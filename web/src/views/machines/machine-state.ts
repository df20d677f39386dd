/** How a machine stands, in words and a kind of status. */
import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { StatusKind } from '#web/components/Status.tsx';
import { MACHINES } from '#web/text/machines.ts';

export const STATE_NAMES = ['running', 'paused', 'shutdown', 'created'] as const;

export type StateName = (typeof STATE_NAMES)[number];

const NAMES: Readonly<Record<VmState, StateName | undefined>> = {
  [VmState.UNSPECIFIED]: undefined,
  [VmState.CREATED]: 'created',
  [VmState.RUNNING]: 'running',
  [VmState.PAUSED]: 'paused',
  [VmState.SHUTDOWN]: 'shutdown',
};

const KINDS: Readonly<Record<StateName, StatusKind>> = {
  ...{ created: 'idle', running: 'ok', paused: 'warning', shutdown: 'idle' },
};

/** Words of the API for an end that nobody asked for. */
const CRASHES: ReadonlySet<string> = new Set(['guest-panic', 'process-died']);

export function isCrash(reason: string): boolean {
  return CRASHES.has(reason);
}

export interface Standing {
  readonly state: VmState;
  readonly stateReason: string;
  readonly allowedCommands: readonly string[];
}

export function stateName(state: VmState): StateName | undefined {
  return NAMES[state];
}

export function stateText(state: VmState): string {
  return MACHINES.states[NAMES[state] ?? 'unknown'];
}

export function standingOf(standing: Standing): { readonly kind: StatusKind; text: string } {
  const name = NAMES[standing.state];
  if (name === undefined) return { kind: 'unknown', text: MACHINES.states.unknown };
  // Only what is being deleted obeys nothing.
  if (standing.allowedCommands.length === 0) return { kind: 'busy', text: MACHINES.deleting };
  if (name === 'shutdown' && isCrash(standing.stateReason)) {
    return { kind: 'error', text: MACHINES.crashed };
  }
  return { kind: KINDS[name], text: MACHINES.states[name] };
}
