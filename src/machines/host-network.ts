/**
 * The port to the host's side of a machine's network. In `tap` mode a NIC is a tap device on a
 * bridge that Drover owns; in `user` mode the hypervisor does it all, without privileges.
 *
 * `attach` and `detach` are idempotent; an address is released only after `detach` succeeded.
 */
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import type { AddressLease } from './machine.ts';
import type { NicSpec } from './machine-spec.ts';

export type NicAttachment =
  | {
      readonly kind: 'tap';
      readonly nic: NicSpec;
      readonly tapDevice: string;
      readonly bridge: string;
      readonly leases: readonly AddressLease[];
    }
  | { readonly kind: 'user'; readonly nic: NicSpec; readonly leases: readonly AddressLease[] };

/** What the store needs to hand out one address in the transaction that creates the machine. */
export interface LeaseRequest {
  readonly nicId: string;
  readonly family: 4 | 6;
  readonly network: string;
  /** Set: this one or `already_exists`. Unset: the next free one of the range. */
  readonly address: string | undefined;
  readonly firstAddress: string;
  readonly lastAddress: string;
  readonly excluded: readonly string[];
  readonly prefixLength: number;
  readonly gateway: string;
  /** The field to name when the address is taken. */
  readonly field: string;
}

export interface AttachRequest {
  readonly machineId: MachineId;
  readonly customerId: CustomerId;
  readonly nics: readonly NicSpec[];
  readonly leases: readonly AddressLease[];
}

export interface HostNetwork {
  readonly mode: 'tap' | 'user';
  /**
   * Checks what the NICs ask for against this host's subnets, and says which addresses to lease.
   * `fields[i]` is how the caller named NIC i, for refusals.
   */
  planLeases(nics: readonly NicSpec[], fields: readonly string[]): readonly LeaseRequest[];
  /** The name a NIC's tap has or will have; undefined in user mode. */
  tapName(machineId: MachineId, nicId: string): string | undefined;
  attach(request: AttachRequest, signal: AbortSignal): Promise<readonly NicAttachment[]>;
  /** Throws if anything stays behind. */
  detach(machineId: MachineId, nics: readonly NicSpec[], signal: AbortSignal): Promise<void>;
  /** Removes taps of ours that belong to no machine in the list; returns their names. */
  sweep(known: readonly MachineId[], signal: AbortSignal): Promise<readonly string[]>;
  health(signal: AbortSignal): Promise<{ readonly isHealthy: boolean; readonly message: string }>;
}
