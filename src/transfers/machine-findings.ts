/** What of a VM no machine of Drover can be, or will be otherwise there. */
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import { MOST_DISKS, MOST_NICS, parseMac } from '#machines/machine-rules.ts';
import { parseMemoryMib, parseVcpus } from '#machines/machine-rules.ts';
import type { Finding } from './finding.ts';
import { connectedNics } from './machine-plan.ts';
import type { TargetVm } from './target.ts';

export function machineFindings(vm: TargetVm): readonly Finding[] {
  return [...ruleFindings(vm), ...securityFindings(vm), ...deviceFindings(vm)];
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

function securityFindings(vm: TargetVm): readonly Finding[] {
  const found: Finding[] = [];
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

type Make = (code: string, message: string, remedy: string) => Finding;

export function findingOf(severity: Finding['severity']): Make {
  return (code, message, remedy) => ({ code, severity, subject: undefined, message, remedy });
}

const error = findingOf('error');
const warning = findingOf('warning');
