/** Makes of a tick's readings how the host stood, and each machine on it. */
import type { ResourceSnapshot } from '#events/resource-snapshot.ts';
import type { MachineReading } from './host-readings.ts';
import type { CompletedTick } from './sampler.ts';

/** What this process measures is called by these, in answers, labels and events. */
export interface InstanceIdentity {
  readonly instanceId: string;
  readonly accountId: string | undefined;
}

export function hostSnapshot(
  { atMs, readings }: CompletedTick,
  { instanceId, accountId }: InstanceIdentity,
): ResourceSnapshot {
  return {
    ...{ atMs, instanceId, accountId },
    cpuUsageBps: readings.cpuUsageBps,
    processCount: readings.processCount,
    memory: readings.memory,
    disks: readings.disks ?? [],
    interfaces: readings.interfaces ?? [],
    gpus: readings.gpus ?? [],
    load: readings.load,
  };
}

/** Of a machine of which nothing is known but that it runs. */
export function unmeasuredSnapshot(
  { atMs }: CompletedTick,
  { machineId, customerId }: Pick<MachineReading, 'machineId' | 'customerId'>,
): ResourceSnapshot {
  return {
    ...{ atMs, instanceId: machineId, accountId: customerId },
    ...{ cpuUsageBps: undefined, processCount: undefined, memory: undefined },
    ...{ disks: [], interfaces: [], gpus: [], load: undefined },
  };
}

/** From the outside: what only the guest could know stays unknown. Its account is its owner. */
export function machineSnapshot(
  { atMs }: CompletedTick,
  machine: MachineReading,
): ResourceSnapshot {
  return {
    atMs,
    instanceId: machine.machineId,
    accountId: machine.customerId,
    cpuUsageBps: machine.cpuUsageBps,
    processCount: undefined,
    memory: machine.memory,
    disks: machine.disks,
    interfaces: machine.interfaces,
    gpus: [],
    load: undefined,
  };
}
