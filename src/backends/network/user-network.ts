/**
 * The network that needs no privileges: each hypervisor process makes a small one of its own for
 * its guest, behind which the guest can reach out and nobody can reach in.
 */
import type { MachineId } from '#kernel/ids.ts';
import type {
  AttachRequest,
  HostNetwork,
  LeaseRequest,
  NicAttachment,
} from '#machines/host-network.ts';
import type { NicSpec } from '#machines/machine-spec.ts';
import { addressFields, refuseAsked } from './lease-plan.ts';

const REFUSAL = "this host's network mode is user, which gives each guest 10.0.2.15; leave it out";

export class UserNetwork implements HostNetwork {
  readonly mode = 'user';

  planLeases(nics: readonly NicSpec[], fields: readonly string[]): readonly LeaseRequest[] {
    for (const [index, nic] of nics.entries()) {
      const field = fields[index] ?? `network[${index}]`;
      refuseAsked(nic.ipv4, addressFields(nic, field, 4), REFUSAL);
      refuseAsked(nic.ipv6, addressFields(nic, field, 6), REFUSAL);
    }
    return [];
  }

  tapName(): undefined {
    return undefined;
  }

  attach({ nics }: AttachRequest, signal: AbortSignal): Promise<readonly NicAttachment[]> {
    return answer(
      nics.map((nic) => ({ kind: 'user', nic, leases: [] })),
      signal,
    );
  }

  detach(_machineId: MachineId, _nics: readonly NicSpec[], signal: AbortSignal): Promise<void> {
    return answer(undefined, signal);
  }

  sweep(_known: readonly MachineId[], signal: AbortSignal): Promise<readonly string[]> {
    return answer([], signal);
  }

  health(signal: AbortSignal): Promise<{ readonly isHealthy: boolean; readonly message: string }> {
    return answer({ isHealthy: true, message: 'network mode user' }, signal);
  }
}

function answer<T>(value: T, signal: AbortSignal): Promise<T> {
  return signal.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve(value);
}
