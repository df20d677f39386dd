/** What of a VM keeps it from being migrated, or will be different afterwards. */
import type { Finding } from './finding.ts';
import type { MigrationSpec } from './migration-spec.ts';
import { unmappedNetworks } from './plan-target.ts';
import type { SourceVm, SourceVmDisk } from './source-vm.ts';

type Rule = (vm: SourceVm, spec: MigrationSpec) => readonly Finding[];

const RULES: readonly Rule[] = [
  power,
  template,
  disks,
  snapshots,
  networks,
  firmware,
  tpm,
  controllers,
  size,
];

export function findInSource(vm: SourceVm, spec: MigrationSpec): readonly Finding[] {
  return RULES.flatMap((rule) => rule(vm, spec));
}

function power(vm: SourceVm, { options }: MigrationSpec): readonly Finding[] {
  if (vm.powerState === 'poweredOff') return [];
  if (vm.powerState === 'suspended') {
    const remedy = 'resume the VM and shut it down: what is in its memory would be lost';
    return [error('vm-is-suspended', undefined, 'the VM is suspended', remedy)];
  }
  if (options.power === 'require-off') {
    const remedy = 'shut it down, or set options.power to shutdown or power-off';
    return [error('vm-is-running', undefined, 'the VM is running', remedy)];
  }
  if (options.power === 'shutdown' && vm.hasRunningTools === false) {
    const what = 'the VM runs without VMware Tools, so its guest cannot be asked to shut down';
    const remedy = 'shut it down from inside, or set options.power to power-off';
    return [error('vm-has-no-tools', undefined, what, remedy)];
  }
  const what = 'the VM is running; the job will take it down before it reads its disks';
  return [info('vm-will-be-stopped', undefined, what)];
}

function template(vm: SourceVm): readonly Finding[] {
  return vm.isTemplate ? [info('vm-is-template', undefined, 'the VM is a template')] : [];
}

function disks(vm: SourceVm): readonly Finding[] {
  if (vm.disks.length > 0) return vm.disks.flatMap(diskFindings);
  return [error('vm-has-no-disks', undefined, 'the VM has no disk', 'there is nothing to migrate')];
}

function diskFindings(disk: SourceVmDisk): readonly Finding[] {
  const found: Finding[] = [];
  const refuse = (code: string, what: string, remedy: string) =>
    found.push(error(code, disk.label, `${disk.label} ${what}`, remedy));
  if (disk.isRawDevice) {
    refuse('disk-is-raw-device', 'is a raw device mapping', 'convert it to a virtual disk first');
  }
  if (disk.isShared) {
    refuse('disk-is-shared', 'is shared with other VMs', 'detach it, and attach it anew there');
  }
  if (disk.isEncrypted) {
    refuse('disk-is-encrypted', 'is encrypted by vSphere', 'change its storage policy to plain');
  }
  if (disk.oddFormat !== undefined) {
    const what = `${disk.path} is named like another kind of image, and its content is taken for `;
    const remedy = 'see whether the file is damaged, or is another one than was meant';
    found.push(warning('disk-format-odd', disk.label, `${what}${disk.oddFormat}`, remedy));
  }
  if (disk.isIndependent) {
    const what = `${disk.label} is independent: snapshots leave it out, so only a VM that is off `;
    found.push(warning('disk-is-independent', disk.label, `${what}can be copied whole`));
  }
  return found;
}

function snapshots(vm: SourceVm): readonly Finding[] {
  if (vm.snapshots === 0) return [];
  const what = `the VM has ${vm.snapshots} snapshot(s); the newest state alone is migrated`;
  return [warning('vm-has-snapshots', undefined, what, 'remove or consolidate them before')];
}

function networks(vm: SourceVm, spec: MigrationSpec): readonly Finding[] {
  // Machines of Drover's are all on its own network, and a folder is on none.
  if (spec.destination.kind !== 'kvm') return [];
  return unmappedNetworks(vm, spec).map((name) =>
    error(
      'network-not-mapped',
      name,
      `options.network_mapping says nothing about the network ${name}`,
      'name the network or bridge that takes its place',
    ),
  );
}

/** What becomes of firmware at Drover itself, the target says. */
function firmware(vm: SourceVm, { destination }: MigrationSpec): readonly Finding[] {
  if (!vm.isSecureBoot || destination.kind === 'drover') return [];
  const what = 'Secure Boot stays on; keys that were enrolled by hand are not carried over';
  return [warning('vm-has-secure-boot', undefined, what)];
}

function tpm(vm: SourceVm, { destination }: MigrationSpec): readonly Finding[] {
  if (!vm.hasTpm || destination.kind === 'drover') return [];
  const what =
    'the VM has a virtual TPM, whose content cannot be read: it will be a new, empty one';
  const remedy = 'have the recovery keys of what it seals, such as BitLocker, at hand';
  return [warning('vm-has-tpm', undefined, what, remedy)];
}

function controllers(vm: SourceVm): readonly Finding[] {
  const strange = vm.disks.filter(({ bus }) => bus === 'scsi');
  if (strange.length === 0) return [];
  const what = 'disks on SCSI controllers of VMware will be on SATA, which every guest can read';
  return [info('controllers-change', undefined, what)];
}

function size(vm: SourceVm): readonly Finding[] {
  if (vm.cpus !== undefined && vm.memoryMib !== undefined) return [];
  const what = 'the source does not say how many CPUs or how much memory the VM has';
  return [warning('size-unknown', undefined, what, 'set them at the target afterwards')];
}

type Make = (
  code: string,
  subject: string | undefined,
  message: string,
  remedy?: string,
) => Finding;

function of(severity: Finding['severity']): Make {
  return (code, subject, message, remedy) => ({ code, severity, subject, message, remedy });
}

const error = of('error');
const warning = of('warning');
const info = of('info');
