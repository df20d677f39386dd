/** What keeps a VM from becoming a machine at another Drover. Nothing is changed. */
import { exceededLimit, exceededToError, type Usage } from '#access/quota.ts';
import { DroverError, toDroverError, type ErrorKind } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { formatBytes, MIB } from '#kernel/units.ts';
import { EXTENTS_TYPE } from '#machines/disk-extents.ts';
import type { Finding } from '#transfers/finding.ts';
import { findingOf, machineFindings } from '#transfers/machine-findings.ts';
import type { TargetVm } from '#transfers/target.ts';
import type { Answer, DroverClient } from './drover-client.ts';
import { isMap } from './remote-error.ts';
import type { RemoteMachine, RemoteMachines } from './remote-machines.ts';

export interface RemoteCheckParts {
  readonly client: DroverClient;
  readonly machines: RemoteMachines;
  readonly customerId: CustomerId;
  /** The one with the id that the VM would get, whoever made it. */
  readonly there: () => Promise<RemoteMachine | undefined>;
}

const error = findingOf('error');
const warning = findingOf('warning');

interface Trouble {
  readonly code: string;
  readonly remedy: string;
}

const UNUSABLE: Trouble = {
  code: 'destination-unusable',
  remedy: 'see to the URL of the destination, and whom to believe there',
};
const TROUBLES: Partial<Readonly<Record<ErrorKind, Trouble>>> = {
  unauthenticated: { code: 'destination-login', remedy: 'give a token that is valid there' },
  permission_denied: {
    code: 'destination-customer',
    remedy: 'give a token of that customer, or one of an operator',
  },
  not_found: { code: 'destination-too-old', remedy: 'upgrade the Drover there: it takes no disks' },
  unavailable: { code: 'destination-unreachable', remedy: 'see whether it runs, and its network' },
  deadline_exceeded: { code: 'destination-unreachable', remedy: 'see whether it is overloaded' },
};

export async function findAtRemote(
  vm: TargetVm,
  parts: RemoteCheckParts,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  try {
    const path = `/v1/abilities?customer_id=${encodeURIComponent(parts.customerId)}`;
    const abilities = await parts.client.rest('GET', path, signal);
    const there = await parts.there();
    const isOwn = there?.job === vm.owner && there.customerId === parts.customerId;
    return [
      ...machineFindings(vm),
      ...abilityFindings(vm, abilities),
      ...(there === undefined || isOwn ? [] : [inTheWay(there)]),
      ...(isOwn ? [] : quotaFindings(vm, await parts.machines.quota(signal))),
      ...(isOwn ? [] : diskFindings(vm, mapIn(abilities, 'disks'))),
    ];
  } catch (thrown) {
    signal.throwIfAborted();
    if (!(thrown instanceof DroverError)) throw thrown;
    const { kind, message } = toDroverError(thrown);
    const { code, remedy } = TROUBLES[kind] ?? UNUSABLE;
    return [error(code, message, remedy)];
  }
}

function abilityFindings(vm: TargetVm, abilities: Answer): readonly Finding[] {
  const found: Finding[] = [];
  if (!listIn(abilities, 'upload_types').includes(EXTENTS_TYPE)) {
    const what = 'the Drover there takes no disks without their zeros';
    found.push(error('destination-too-old', what, 'upgrade the Drover there'));
  }
  if (abilities['may_change'] !== true) {
    const what = 'the token for the destination may only read there';
    found.push(error('destination-read-only', what, 'give one that may make machines'));
  }
  if (vm.firmware === 'efi' && !listIn(abilities, 'firmware').includes('uefi')) {
    const what = 'the VM boots by UEFI, and the host there has no firmware for it';
    found.push(error('no-uefi', what, 'install the package ovmf there'));
  }
  return found;
}

function quotaFindings(vm: TargetVm, quota: Answer): readonly Finding[] {
  const limits = mapIn(quota, 'limits');
  const used = mapIn(quota, 'use');
  const limit = (name: string) => numberIn(limits, name) ?? Infinity;
  const exceeded = exceededLimit(
    {
      ...{ maxMachines: limit('max_machines'), maxVcpus: limit('max_vcpus') },
      maxMemoryMib: limit('max_memory_bytes') / MIB,
    },
    toUsage(used),
    { machines: 1, vcpus: vm.cpus, memoryMib: vm.memoryMib },
  );
  if (exceeded === undefined) return [];
  const { message } = exceededToError(exceeded, 'customer');
  return [error('quota-exceeded', `${message}, there`, 'raise it there, or delete machines there')];
}

function toUsage(used: Answer): Usage {
  return {
    machines: numberIn(used, 'machines') ?? 0,
    vcpus: numberIn(used, 'vcpus') ?? 0,
    memoryMib: (numberIn(used, 'memory_bytes') ?? 0) / MIB,
  };
}

/** A raw image is as long as its disk; of others nobody knows before they are written. */
function diskFindings({ disks }: TargetVm, room: Answer): readonly Finding[] {
  const needed = disks.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0);
  const isRaw = disks.every(({ format }) => format === 'raw');
  const left = (numberIn(room, 'max_bytes') ?? Infinity) - (numberIn(room, 'bytes') ?? 0);
  const available = numberIn(room, 'available_bytes') ?? Infinity;
  const number = (numberIn(room, 'max_count') ?? Infinity) - (numberIn(room, 'count') ?? 0);
  const remedy = 'delete disks of the customer there, or raise quotas.disks and quotas.diskBytes';
  if (number < disks.length) {
    const what = `the VM has ${disks.length} disks, and the customer may bring ${number} more`;
    return [error('disk-quota-exceeded', `${what} there`, remedy)];
  }
  if (isRaw && left < needed) {
    const what = `the disks have ${formatBytes(needed)}, and the customer may bring `;
    return [error('disk-quota-exceeded', `${what}${formatBytes(left)} more there`, remedy)];
  }
  if (available >= needed) return [];
  const what = `there is room for ${formatBytes(available)} there, and the disks may grow to `;
  return [warning('space-may-run-out', what + formatBytes(needed), 'make room there')];
}

function inTheWay({ id }: RemoteMachine): Finding {
  const what = `there is a machine ${id} there already, and not of this job`;
  return error('machine-in-the-way', what, 'submit the job with another id');
}

function mapIn(answer: Answer, name: string): Answer {
  const value = answer[name];
  return isMap(value) ? value : {};
}

function listIn(answer: Answer, name: string): readonly unknown[] {
  const value = answer[name];
  return Array.isArray(value) ? value : [];
}

function numberIn(answer: Answer, name: string): number | undefined {
  const value = answer[name];
  return typeof value === 'number' ? value : undefined;
}
