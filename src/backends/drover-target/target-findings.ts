/** What keeps a VM from becoming a machine here, or will be different. Nothing is changed. */
import { statfs } from 'node:fs/promises';
import {
  exceededLimit,
  exceededToError,
  type LimitOwner,
  type QuotaLimits,
} from '#access/quota.ts';
import type { Usage } from '#access/quota.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { formatBytes, MIB } from '#kernel/units.ts';
import type { HostCapacity } from '#machines/host-capacity.ts';
import { MOST_DISKS, MOST_NICS, parseMac } from '#machines/machine-rules.ts';
import { parseMemoryMib, parseVcpus } from '#machines/machine-rules.ts';
import type { MachineService } from '#machines/machine-service.ts';
import type { Finding } from '#transfers/finding.ts';
import type { TargetVm } from '#transfers/target.ts';
import { connectedNics } from './machine-plan.ts';

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
    ...ruleFindings(vm),
    ...(parts.isDefined ? [] : await roomFindings(vm, parts)),
    ...(await firmwareFindings(vm, parts)),
    ...deviceFindings(vm),
    ...(await spaceFindings(vm, parts.imagesDirectory)),
  ];
}

/** The limits that every machine keeps. */
function ruleFindings({ cpus, memoryMib, disks, nics }: TargetVm): readonly Finding[] {
  const found: Finding[] = [];
  const change = 'change the VM at its source';
  const tries: readonly (() => unknown)[] = [
    () => parseVcpus('the number of CPUs', cpus),
    () => parseMemoryMib('the memory', BigInt(memoryMib) * BigInt(MIB)),
    ...nics.map(
      ({ mac }) =>
        () =>
          parseMac(`the MAC address ${mac}`, mac),
    ),
  ];
  for (const attempt of tries) {
    const message = refusalOf(attempt);
    if (message !== undefined) found.push(error('machine-impossible', message, change));
  }
  if (disks.length > MOST_DISKS) {
    const what = `the VM has ${disks.length} disks, and machines have at most ${MOST_DISKS}`;
    found.push(error('too-many-disks', what, change));
  }
  if (nics.length > MOST_NICS) {
    const what = `the VM has ${nics.length} NICs, and machines have at most ${MOST_NICS}`;
    found.push(error('too-many-nics', what, change));
  }
  return found;
}

function refusalOf(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof DroverError) return thrown.message;
    throw thrown;
  }
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
  if (vm.isSecureBoot) {
    const what = 'the VM boots with Secure Boot, and machines boot without: it will be off';
    found.push(warning('no-secure-boot', what, 'choose a libvirt as the destination'));
  }
  if (vm.hasTpm) {
    const what = 'the VM has a TPM, and machines have none: what it seals cannot be opened there';
    const remedy = 'have recovery keys at hand, or choose a libvirt as the destination';
    found.push(warning('no-tpm', what, remedy));
  }
  return found;
}

function deviceFindings(vm: TargetVm): readonly Finding[] {
  const found: Finding[] = [];
  const left = vm.nics.length - connectedNics(vm).length;
  if (left > 0) {
    const what = `${left} NIC(s) of the VM are disconnected: they are left out`;
    found.push(warning('nic-left-out', what, 'connect them at the source to have them here'));
  }
  if (vm.disks.some(({ bus }) => bus === 'ide')) {
    const what = 'disks on IDE will be on SATA, which systems of before 2006 may not boot from';
    found.push(warning('disk-bus-changes', what, 'choose a libvirt as the destination'));
  }
  if (vm.disks.some(({ storage }) => storage !== undefined)) {
    const what = 'options.storage_mapping has no effect here: disks go to the image directory';
    found.push(warning('storage-mapping-unused', what, 'leave it out'));
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

type Make = (code: string, message: string, remedy: string) => Finding;

function of(severity: Finding['severity']): Make {
  return (code, message, remedy) => ({ code, severity, subject: undefined, message, remedy });
}

const error = of('error');
const warning = of('warning');
