/** A host network that touches nothing, for tests and benchmarks only. */
import type { MachineId } from '#kernel/ids.ts';
import type {
  AttachRequest,
  HostNetwork,
  LeaseRequest,
  NicAttachment,
} from '#machines/host-network.ts';
import type { NicSpec } from '#machines/machine-spec.ts';

type Hook = (id: MachineId, signal: AbortSignal) => Promise<void> | void;

export class FakeNetwork implements HostNetwork {
  readonly mode = 'user';
  readonly attached = new Set<MachineId>();
  /** Awaited by attach and detach; a test makes them hang or fail. */
  beforeAttach: Hook = () => undefined;
  beforeDetach: Hook = () => undefined;
  /** With a range, each NIC is to lease one IPv4 address of it. */
  range:
    | { readonly firstAddress: string; readonly lastAddress: string; readonly gateway: string }
    | undefined;

  planLeases(nics: readonly NicSpec[], fields: readonly string[]): readonly LeaseRequest[] {
    const { range } = this;
    if (range === undefined) return [];
    return nics.map((nic, index) => ({
      ...range,
      nicId: nic.id,
      family: 4,
      network: 'fake',
      address: nic.ipv4?.address,
      excluded: [],
      prefixLength: nic.ipv4?.prefixLength ?? 24,
      gateway: nic.ipv4?.gateway ?? range.gateway,
      field: `${fields[index] ?? nic.id}.guest_ipv4.address`,
    }));
  }

  tapName(): undefined {
    return undefined;
  }

  async attach(
    { machineId, nics, leases }: AttachRequest,
    signal: AbortSignal,
  ): Promise<readonly NicAttachment[]> {
    signal.throwIfAborted();
    await this.beforeAttach(machineId, signal);
    this.attached.add(machineId);
    return nics.map((nic) => {
      const own = leases.filter(({ nicId }) => nicId === nic.id);
      return { kind: 'user', nic, leases: own } as const;
    });
  }

  async detach(
    machineId: MachineId,
    _nics: readonly NicSpec[],
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    await this.beforeDetach(machineId, signal);
    this.attached.delete(machineId);
  }

  sweep(known: readonly MachineId[]): Promise<readonly string[]> {
    for (const id of this.attached) if (!known.includes(id)) this.attached.delete(id);
    return Promise.resolve([]);
  }

  async health(
    signal: AbortSignal,
  ): Promise<{ readonly isHealthy: boolean; readonly message: string }> {
    signal.throwIfAborted();
    return Promise.resolve({ isHealthy: true, message: 'pretending' });
  }
}
