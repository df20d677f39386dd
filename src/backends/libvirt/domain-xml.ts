/**
 * The domain as libvirt gets it: a q35 machine with what the guest had at the source. What a host
 * can do differently is decided by its abilities; firmware is chosen by libvirt from what is
 * installed there, so no path of that host is in it but those of the disks.
 */
import { writeXml, xmlNode, type XmlNode } from '#kernel/xml-writer.ts';
import type { TargetVm } from '#transfers/target.ts';
import { diskNodes, type DiskSource } from './domain-disks.ts';
import { nicNode, type NicPlace } from './domain-nics.ts';
import { TPM_VERSION, type HostAbilities, type MachineKind } from './host-abilities.ts';

/** Of the element in the metadata that says whose a domain is. */
export const OWNER_NAMESPACE = 'urn:drover:migration';

export interface DomainParts {
  readonly vm: TargetVm;
  /** Beside `vm.disks` and `vm.nics`, one for one. */
  readonly sources: readonly DiskSource[];
  readonly nicPlaces: readonly NicPlace[];
  /** Of the domain that is to be changed; undefined: the VM's own, or a new one. */
  readonly uuid: string | undefined;
  readonly abilities: HostAbilities;
  /** A file at that host which keeps what the guest writes to its serial port. */
  readonly consoleLog: string | undefined;
  readonly scsiModel: ScsiModel;
}

export const SCSI_MODELS = ['virtio-scsi', 'lsilogic', 'lsisas1068', 'vmpvscsi'] as const;
export type ScsiModel = (typeof SCSI_MODELS)[number];

export function machineOf({ disks, firmware }: TargetVm): MachineKind {
  return firmware === 'bios' && disks.some(({ bus }) => bus === 'ide') ? 'pc' : 'q35';
}

export function buildDomainXml(parts: DomainParts): string {
  const { vm, abilities } = parts;
  const uuid = parts.uuid ?? vm.uuid;
  const domain = xmlNode(
    'domain',
    { type: abilities.virtType },
    xmlNode('name', {}, vm.name),
    uuid === undefined ? undefined : xmlNode('uuid', {}, uuid),
    xmlNode(
      'metadata',
      {},
      xmlNode('drover:migration', { 'xmlns:drover': OWNER_NAMESPACE, owner: vm.owner }),
    ),
    xmlNode('memory', { unit: 'MiB' }, vm.memoryMib),
    xmlNode('vcpu', {}, vm.cpus),
    osNode(vm),
    featuresNode(vm, abilities),
    cpuNode(vm, abilities),
    clockNode(vm),
    xmlNode('on_poweroff', {}, 'destroy'),
    xmlNode('on_reboot', {}, 'restart'),
    xmlNode('on_crash', {}, 'destroy'),
    devicesNode(parts),
  );
  return writeXml(domain, { isIndented: true });
}

/** Guests of Microsoft keep local time in the clock of the machine, and like to be told of KVM. */
function isWindows({ guestId }: TargetVm): boolean {
  return guestId?.toLowerCase().startsWith('win') === true;
}

function osNode(vm: TargetVm): XmlNode {
  const type = xmlNode('type', { arch: 'x86_64', machine: machineOf(vm) }, 'hvm');
  if (vm.firmware === 'bios') return xmlNode('os', {}, type);
  const enabled = vm.isSecureBoot ? 'yes' : 'no';
  const feature = (name: string) => xmlNode('feature', { enabled, name });
  return xmlNode(
    'os',
    { firmware: 'efi' },
    type,
    xmlNode('firmware', {}, feature('enrolled-keys'), feature('secure-boot')),
    vm.isSecureBoot ? xmlNode('loader', { secure: 'yes' }) : undefined,
  );
}

function featuresNode(vm: TargetVm, { virtType }: HostAbilities): XmlNode {
  const on = (name: string) => xmlNode(name, { state: 'on' });
  const hyperv = xmlNode(
    'hyperv',
    { mode: 'custom' },
    on('relaxed'),
    on('vapic'),
    xmlNode('spinlocks', { state: 'on', retries: 8191 }),
  );
  return xmlNode(
    'features',
    {},
    xmlNode('acpi', {}),
    xmlNode('apic', {}),
    isWindows(vm) && virtType === 'kvm' ? hyperv : undefined,
    vm.isSecureBoot ? on('smm') : undefined,
  );
}

function cpuNode(vm: TargetVm, { cpuMode }: HostAbilities): XmlNode {
  const asked = vm.coresPerSocket ?? vm.cpus;
  const cores = asked > 0 && vm.cpus % asked === 0 ? asked : vm.cpus;
  const topology = xmlNode('topology', { sockets: vm.cpus / cores, cores, threads: 1 });
  if (cpuMode !== undefined) return xmlNode('cpu', { mode: cpuMode, check: 'none' }, topology);
  const model = xmlNode('model', { fallback: 'allow' }, 'qemu64');
  return xmlNode('cpu', { mode: 'custom', match: 'exact', check: 'none' }, model, topology);
}

function clockNode(vm: TargetVm): XmlNode {
  return xmlNode(
    'clock',
    { offset: isWindows(vm) ? 'localtime' : 'utc' },
    xmlNode('timer', { name: 'rtc', tickpolicy: 'catchup' }),
    xmlNode('timer', { name: 'pit', tickpolicy: 'delay' }),
    xmlNode('timer', { name: 'hpet', present: 'no' }),
  );
}

function devicesNode(parts: DomainParts): XmlNode {
  const { vm, abilities, sources, nicPlaces, scsiModel } = parts;
  const { tpmModel } = abilities;
  const needsScsi = vm.disks.some(({ bus }) => bus === 'scsi');
  return xmlNode(
    'devices',
    {},
    abilities.emulator === undefined ? undefined : xmlNode('emulator', {}, abilities.emulator),
    ...diskNodes(vm.disks, sources, machineOf(vm)),
    needsScsi ? xmlNode('controller', { type: 'scsi', index: 0, model: scsiModel }) : undefined,
    ...vm.nics.map((nic, index) => nicNode(nic, nicPlaces[index], machineOf(vm))),
    serialNode(parts),
    channelNode(),
    xmlNode('input', { type: 'tablet', bus: 'usb' }),
    vm.hasTpm && tpmModel !== undefined ? tpmNode(tpmModel) : undefined,
    xmlNode('graphics', { type: 'vnc', port: -1, autoport: 'yes', listen: '127.0.0.1' }),
    xmlNode('video', {}, xmlNode('model', { type: 'vga' })),
    xmlNode('memballoon', { model: 'virtio' }),
    abilities.hasVirtioRng ? rngNode() : undefined,
  );
}

/** A terminal for people, and a file for whoever waits for the guest to come up. */
function serialNode({ consoleLog }: DomainParts): XmlNode {
  const log =
    consoleLog === undefined ? undefined : xmlNode('log', { file: consoleLog, append: 'off' });
  return xmlNode('serial', { type: 'pty' }, log, xmlNode('target', { port: 0 }));
}

/** Where the agent of a guest that has one answers. */
function channelNode(): XmlNode {
  const target = xmlNode('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' });
  return xmlNode('channel', { type: 'unix' }, target);
}

function tpmNode(model: string): XmlNode {
  return xmlNode('tpm', { model }, xmlNode('backend', { type: 'emulator', version: TPM_VERSION }));
}

function rngNode(): XmlNode {
  const backend = xmlNode('backend', { model: 'random' }, '/dev/urandom');
  return xmlNode('rng', { model: 'virtio' }, backend);
}
