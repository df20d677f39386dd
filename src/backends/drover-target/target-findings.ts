/** What keeps a VM from becoming a machine here, or will be different. Nothing is changed. */
import { statfs } from 'node:fs/promises';
import {
  exceededLimit,
  exceededToError,
  type LimitOwner,
  type QuotaLimits,
} from '#access/quota.ts';
import type { Usage } from '#access/quota.ts';
import { systemErrorCode } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { formatBytes } from '#kernel/units.ts';
import type { HostCapacity } from '#machines/host-capacity.ts';
import type { MachineService } from '#machines/machine-service.ts';
import type { Finding } from '#transfers/finding.ts';
import { findingOf, machineFindings } from '#transfers/machine-findings.ts';
import type { TargetVm } from '#transfers/target.ts';

export interface CheckParts {
  readonly machines: Pick<MachineService, 'quota'>;
  readonly capacity: Pick<HostCapacity, 'limits' | 'used'>;
  readonly customerId: CustomerId;
  readonly imagesDirectory: string;
  readonly hasUefi: () => Promise<boolean>;
  /** A machine of an earlier attempt is counted already. */
  readonly isDefined: boolean;
}

const NOTHING: Usage = { machines: 0, vcpus: 0, memoryMib: 0 };

export async function findAtDrover(vm: TargetVm, parts: CheckParts): Promise<readonly Finding[]> {
  return [
    ...machineFindings(vm),
    ...(parts.isDefined ? [] : await roomFindings(vm, parts)),
    ...(await firmwareFindings(vm, parts)),
    ...(await spaceFindings(vm, parts.imagesDirectory)),
  ];
}

async function roomFindings(
  vm: TargetVm,
  { machines, capacity, customerId }: CheckParts,
): Promise<readonly Finding[]> {
  const { limits, use } = await machines.quota(customerId);
  const wanted: Usage = { machines: 1, vcpus: vm.cpus, memoryMib: vm.memoryMib };
  const host: QuotaLimits = {
    ...{ maxMachines: Infinity, maxVcpus: capacity.limits.vcpus },
    maxMemoryMib: capacity.limits.memoryMib,
  };
  const quota = shortage({ limits, use, wanted, whose: 'customer' });
  const never = shortage({ limits: host, use: NOTHING, wanted, whose: 'host' });
  const now = shortage({ limits: host, use: capacity.used, wanted, whose: 'host' });
  const found: Finding[] = [];
  if (quota !== undefined) {
    const remedy = `raise the quota of ${customerId}, or delete machines of theirs`;
    found.push(error('quota-exceeded', quota, remedy));
  }
  if (never !== undefined) {
    found.push(error('host-too-small', never, 'give the VM less, or choose a larger host'));
  } else if (now !== undefined) {
    const remedy = 'shut machines down before this one is to start';
    found.push(warning('host-is-full', now, remedy));
  }
  return found;
}

function shortage(asked: {
  readonly limits: QuotaLimits;
  readonly use: Usage;
  readonly wanted: Usage;
  readonly whose: LimitOwner;
}): string | undefined {
  const exceeded = exceededLimit(asked.limits, asked.use, asked.wanted);
  return exceeded && exceededToError(exceeded, asked.whose).message;
}

async function firmwareFindings(
  vm: TargetVm,
  { hasUefi }: CheckParts,
): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  if (vm.firmware === 'efi' && !(await hasUefi())) {
    const what = 'the VM boots by UEFI, and this host has no firmware for it';
    found.push(error('no-uefi', what, 'install the package ovmf'));
  }
  return found;
}

/** The disks grow with what the guest writes. */
async function spaceFindings({ disks }: TargetVm, directory: string): Promise<readonly Finding[]> {
  const needed = disks.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0);
  try {
    const { bavail, bsize } = await statfs(directory);
    if (bavail * bsize >= needed) return [];
    const free = formatBytes(bavail * bsize);
    const what = `the image directory has ${free} free, and the disks may grow to `;
    return [warning('space-may-run-out', what + formatBytes(needed), 'make room there')];
  } catch (thrown) {
    if (systemErrorCode(thrown) !== 'ENOENT') throw thrown;
    return [error('images-directory-missing', 'the image directory is not there', 'make it')];
  }
}

const error = findingOf('error');
const warning = findingOf('warning');
