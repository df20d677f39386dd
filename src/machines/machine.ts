/**
 * A machine is a virtual machine of ours. Its life:
 *
 *                 boot                    pause
 *     created ───────────▶ running ◀───────────────▶ paused
 *                          ▲     │       resume         │
 *                     boot │     │ shutdown, guest      │ shutdown, crash
 *                          │     ▼ powers off, crash    │
 *                          shutdown ◀───────────────────┘
 *
 *     delete leads out of every state, out of running and paused only by force.
 *
 * `state` is what was last observed. What is intended is kept apart: queued commands
 * (machine-intent.ts) and `isDeleting`, which once set is never taken back.
 */
import type { CustomerId, HostId, MachineId } from '#kernel/ids.ts';
import type { MachineSpec } from './machine-spec.ts';
import type { ProcessRecord } from './hypervisor.ts';

export const MACHINE_STATES = ['created', 'running', 'paused', 'shutdown'] as const;
export type MachineState = (typeof MACHINE_STATES)[number];

/** An address handed to one NIC of one machine until the machine is torn down. */
export interface AddressLease {
  readonly nicId: string;
  readonly family: 4 | 6;
  /** The address space it is unique in: host and bridge. */
  readonly network: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
}

export interface Machine {
  readonly id: MachineId;
  readonly customerId: CustomerId;
  /** The one host whose process reconciles it. */
  readonly hostId: HostId;
  readonly spec: MachineSpec;
  readonly state: MachineState;
  /** Why it is in this state: a stable word, and a sentence. */
  readonly stateReason: string;
  readonly stateMessage: string;
  readonly stateChangedAt: number;
  readonly isDeleting: boolean;
  /** Set while a process is believed to run it, and how to find that process again. */
  readonly process: ProcessRecord | undefined;
  /** When the present run began; undefined unless running or paused. */
  readonly bootedAt: number | undefined;
  readonly leases: readonly AddressLease[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

export function isLive(state: MachineState): boolean {
  return state === 'running' || state === 'paused';
}
