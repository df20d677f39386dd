/** What at a libvirt keeps a VM from coming there, or will be different. Nothing is changed. */
import { DroverError } from '#kernel/errors.ts';
import { formatBytes } from '#kernel/units.ts';
import type { Finding } from '#transfers/finding.ts';
import type { SourceVm } from '#transfers/source-vm.ts';
import type { TargetVm } from '#transfers/target.ts';
import { nameDisks, type NamedDisk } from './disk-names.ts';
import type { DiskStorage, Room } from './disk-storage.ts';
import { machineOf } from './domain-xml.ts';
import type { HostAbilities } from './host-abilities.ts';
import type { Accelerator, LibvirtHost } from './libvirt-host.ts';
import type { NetworkFinder } from './network-finder.ts';
import type { StorageFinder } from './storage-finder.ts';

export interface CheckParts {
  readonly host: LibvirtHost;
  readonly storages: StorageFinder;
  readonly networks: NetworkFinder;
  readonly accelerator: Accelerator;
  readonly kvmFault?: string | undefined;
}

interface Question extends CheckParts {
  readonly vm: TargetVm;
  readonly source: SourceVm;
  readonly signal: AbortSignal;
}

type Rule = (question: Question) => Promise<readonly Finding[]>;

const RULES: readonly Rule[] = [name, machine, storage, networks];

export async function findAtTarget(question: Question): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const rule of RULES) {
    try {
      found.push(...(await rule(question)));
    } catch (thrown) {
      question.signal.throwIfAborted();
      const finding = toFinding(thrown);
      found.push(finding);
      // Whoever cannot be asked one thing cannot be asked the next.
      if (SPEECHLESS.has(finding.code)) break;
    }
  }
  return found;
}

const UNREACHABLE = 'destination-unreachable';
const REFUSED = 'destination-refuses-user';
/** Nothing at all can be asked there. */
const SPEECHLESS: ReadonlySet<string> = new Set([
  ...[UNREACHABLE, REFUSED, 'libvirt-not-installed', 'program-missing'],
  ...['ssh-host-key-changed', 'ssh-host-key-unknown'],
]);

/** `subject` is what was looked at when it went wrong. */
function toFinding(thrown: unknown, subject?: string): Finding {
  if (!(thrown instanceof DroverError)) throw thrown;
  const remedy = thrown.metadata['remedy'];
  // An error of virsh says in its message what to do, since most who see it see that alone.
  const message = thrown.message.replace(`; ${remedy}`, '');
  const about = { severity: 'error', subject, message, remedy } as const;
  switch (thrown.kind) {
    case 'unavailable':
      return { code: UNREACHABLE, ...about };
    case 'unauthenticated':
    case 'permission_denied':
      return { code: isOurs(thrown) ? codeOf(thrown) : REFUSED, ...about };
    default:
      return { code: codeOf(thrown), ...about };
  }
}

/** It is not libvirt that refuses it. */
function isOurs({ reason }: DroverError): boolean {
  return reason === 'DIRECTORY_NOT_ALLOWED';
}

function codeOf({ reason }: DroverError): string {
  return reason.toLowerCase().replaceAll('_', '-');
}

async function name({ vm, host, signal }: Question): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const domain of await host.domains(signal)) {
    const isNamed = domain.name === vm.name;
    if (!isNamed && domain.uuid !== vm.uuid) continue;
    if ((await host.ownerOf(domain.uuid, signal)) === vm.owner) continue;
    if (isNamed) {
      const what = `libvirt has a domain ${vm.name} already, with the UUID ${domain.uuid}`;
      found.push(error('name-taken', what, 'set options.target_name to another name'));
    } else {
      const what = `the domain ${domain.name} there has the UUID ${domain.uuid} of the VM already`;
      found.push(error('uuid-taken', what, 'remove that domain: it may be an earlier copy'));
    }
  }
  return found;
}

async function machine(question: Question): Promise<readonly Finding[]> {
  const { vm, host, signal, accelerator, kvmFault } = question;
  const abilities = await host.abilities(machineOf(vm), accelerator, signal);
  const found = [...sizeFindings(vm, abilities), ...kvmFindings(abilities, kvmFault)];
  found.push(...firmwareFindings(vm, abilities));
  found.push(...tpmFindings(vm, abilities));
  const memoryMib = await host.memoryMib(signal);
  if (memoryMib !== undefined && vm.memoryMib > memoryMib) {
    const what = `the VM has ${vm.memoryMib} MiB of memory, and the host no more than ${memoryMib}`;
    found.push(error('too-much-memory', what, 'give the VM less, or choose a larger host'));
  }
  return found;
}

function sizeFindings(vm: TargetVm, { mostCpus }: HostAbilities): readonly Finding[] {
  if (mostCpus === undefined || vm.cpus <= mostCpus) return [];
  const what = `the VM has ${vm.cpus} CPUs, and QEMU there gives at most ${mostCpus}`;
  return [error('too-many-cpus', what, 'take CPUs away from the VM at its source')];
}

function kvmFindings({ virtType }: HostAbilities, fault: string | undefined): readonly Finding[] {
  if (virtType === 'kvm') return [];
  const what = 'the host runs guests without KVM: they will be many times slower than before';
  if (fault === undefined) {
    return [warning('no-kvm', what, 'turn on virtualization in its BIOS, and load kvm')];
  }
  const remedy = 'a host that is a VM itself needs nested virtualization; then restart Drover';
  return [warning('no-kvm', `${what}. KVM is there, and ${fault} under it`, remedy)];
}

function firmwareFindings(vm: TargetVm, abilities: HostAbilities): readonly Finding[] {
  if (vm.firmware === 'bios') return [];
  const remedy = 'install the firmware for guests there: the package ovmf, or edk2-ovmf';
  if (!abilities.hasEfi) {
    return [error('no-uefi', 'the VM boots by UEFI, and the host has no firmware for it', remedy)];
  }
  if (!vm.isSecureBoot || abilities.hasSecureBoot) return [];
  const what = 'the VM boots with Secure Boot, and the host has no firmware that does';
  return [error('no-secure-boot', what, `${remedy}; or turn Secure Boot off at the source`)];
}

function tpmFindings({ hasTpm }: TargetVm, { tpmModel }: HostAbilities): readonly Finding[] {
  if (!hasTpm || tpmModel !== undefined) return [];
  const what = 'the VM has a TPM, and the host cannot emulate one: it will be without';
  return [warning('no-tpm', what, 'install the packages swtpm and swtpm-tools there')];
}

async function storage(question: Question): Promise<readonly Finding[]> {
  const { vm, source, storages, signal } = question;
  const found: Finding[] = [];
  const needed = new Map<DiskStorage, number>();
  for (const named of nameDisks(vm)) {
    const { disk } = named;
    const label = source.disks.find(({ key }) => key === disk.key)?.label ?? disk.key;
    try {
      const place = await storages.find(disk.storage, signal);
      found.push(...(await placeFindings(named, place, { label, signal })));
      needed.set(place, (needed.get(place) ?? 0) + disk.capacityBytes);
    } catch (thrown) {
      signal.throwIfAborted();
      found.push(toFinding(thrown, label));
    }
  }
  for (const [place, neededBytes] of needed) {
    for (const room of await place.rooms(signal)) found.push(...spaceFindings(room, neededBytes));
  }
  return found;
}

async function placeFindings(
  named: NamedDisk,
  place: DiskStorage,
  { label, signal }: { readonly label: string; readonly signal: AbortSignal },
): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  const { format } = named.disk;
  if (place.onlyFormat !== undefined && format !== place.onlyFormat) {
    const what = `${place.label} holds disks as ${place.onlyFormat}, not as ${format}`;
    const remedy = `set options.disk_format to ${place.onlyFormat}`;
    found.push({ ...error('disk-format-unsuited', what, remedy), subject: label });
  }
  const inTheWay = await place.obstacle(named, signal);
  if (inTheWay !== undefined) {
    const remedy = 'remove it, or set options.target_name to another name';
    const finding = error('file-in-the-way', `${inTheWay} is there already`, remedy);
    found.push({ ...finding, subject: label });
  }
  return found;
}

/** A file takes what the guest has written, a block device takes all of it at once. */
function spaceFindings(room: Room, neededBytes: number): readonly Finding[] {
  const { label: subject, freeBytes, takesWholeDisks } = room;
  if (freeBytes === undefined || freeBytes >= neededBytes) return [];
  const free = formatBytes(freeBytes);
  const needed = formatBytes(neededBytes);
  const remedy = 'make room there, or map disks to another place by options.storage_mapping';
  if (takesWholeDisks) {
    const what = `${subject} has ${free} free, and the disks need ${needed}`;
    return [{ ...error('space-too-small', what, remedy), subject }];
  }
  const what = `${subject} has ${free} free, and the disks may grow to ${needed}`;
  return [{ ...warning('space-may-run-out', what, remedy), subject }];
}

async function networks(question: Question): Promise<readonly Finding[]> {
  const { vm, signal } = question;
  const names = vm.nics.map(({ network }) => network);
  const found = await question.networks.find(names, signal);
  return [...found].flatMap(([network, meant]): readonly Finding[] => {
    if (meant instanceof DroverError) return [toFinding(meant, network)];
    if (!meant.isActive) {
      const what = `the network ${network} of libvirt is not active, so the VM could not start`;
      const finding = error('network-inactive', what, `start it: virsh net-start ${network}`);
      return [{ ...finding, subject: network }];
    }
    if (meant.isCertain) return [];
    const what = `libvirt cannot say whether its host has a bridge ${network}`;
    return [{ ...warning('bridge-unverified', what, 'see that it is there'), subject: network }];
  });
}

type Make = (code: string, message: string, remedy: string) => Finding;

function of(severity: Finding['severity']): Make {
  return (code, message, remedy) => ({ code, severity, subject: undefined, message, remedy });
}

const error = of('error');
const warning = of('warning');
