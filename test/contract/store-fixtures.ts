/** Machines, requests for addresses and intents, as plain as they can be. */
import type { QuotaLimits } from '#access/quota.ts';
import type { MachineEvent } from '#events/event.ts';
import type { CustomerId, HostId, IntentId, MachineId } from '#kernel/ids.ts';
import type { LeaseRequest } from '#machines/host-network.ts';
import type { IntentOutcome, MachineIntent } from '#machines/machine-intent.ts';
import type { MachineSpec } from '#machines/machine-spec.ts';
import type { NewMachine } from '#machines/machine-store.ts';
import type { MachineState } from '#machines/machine.ts';

export const HOST = 'host-1' as HostId;
export const ADA = 'ada' as CustomerId;
export const BOB = 'bob' as CustomerId;

export const UNLIMITED: QuotaLimits = {
  maxMachines: Infinity,
  maxVcpus: Infinity,
  maxMemoryMib: Infinity,
};

export const DONE: IntentOutcome = { kind: 'done', state: 'running', detail: 'launched' };

export function specOf(vcpus = 1, memoryMib = 256): MachineSpec {
  return {
    cpu: { vcpus, maxVcpus: vcpus, topology: undefined, template: undefined, features: {} },
    memoryMib,
    boot: {
      kind: 'kernel',
      machineType: 'microvm',
      kernelPath: '/images/demo/vmlinuz',
      initrdPath: undefined,
      kernelArgs: 'console=ttyS0',
    },
    disks: [],
    nics: [],
    console: { isEnabled: true, type: 'serial', outputFile: undefined },
    metadata: { name: 'plain "text" with \u0000, ü and 🦊' },
    given: { zulu: 1, alpha: [1.5, null, { deep: true }] },
  };
}

export interface MachineChoices {
  readonly customerId?: CustomerId;
  readonly hostId?: HostId;
  readonly spec?: MachineSpec;
  readonly createdAt?: number;
  readonly leases?: readonly LeaseRequest[];
  readonly defaultQuota?: QuotaLimits;
}

export function newMachine(name: string, choices: MachineChoices = {}): NewMachine {
  const id = name as MachineId;
  const customerId = choices.customerId ?? ADA;
  return {
    id,
    customerId,
    hostId: HOST,
    spec: specOf(),
    createdAt: 1000,
    leases: [],
    defaultQuota: UNLIMITED,
    event: eventOf('machine.created', id, customerId),
    ...choices,
  };
}

export function eventOf(
  kind: 'machine.created' | 'machine.deleted',
  machineId: string,
  customerId = ADA,
): MachineEvent {
  const subject = { machineId: machineId as MachineId, customerId };
  const told = { reason: 'requested', message: 'as asked' };
  return kind === 'machine.created'
    ? { kind, state: 'created', ...subject, ...told }
    : { kind, state: 'shutdown', ...subject, ...told };
}

export function changeEvent(
  machineId: string,
  from: MachineState,
  state: MachineState,
): MachineEvent {
  return {
    kind: 'machine.state-changed',
    from,
    state,
    machineId: machineId as MachineId,
    customerId: ADA,
    reason: 'requested',
    message: 'as asked',
  };
}

export function leaseRequest(choices: Partial<LeaseRequest> = {}): LeaseRequest {
  return {
    nicId: 'eth0',
    family: 4,
    network: 'host-1/drover0',
    address: undefined,
    firstAddress: '10.1.0.2',
    lastAddress: '10.1.0.6',
    excluded: [],
    prefixLength: 24,
    gateway: '10.1.0.1',
    field: 'network[0].guest_ipv4.address',
    ...choices,
  };
}

export function newIntent(name: string, machineId: string, requestedAt = 1): MachineIntent {
  return {
    id: name as IntentId,
    machineId: machineId as MachineId,
    hostId: HOST,
    command: { kind: 'boot' },
    requestedAt,
    status: 'queued',
    startedAt: undefined,
    isCancelRequested: false,
    outcome: undefined,
  };
}
