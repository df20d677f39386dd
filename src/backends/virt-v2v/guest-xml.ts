/** The guest as virt-v2v wants it described: what it is booted by, and its disks in order. */
import { writeXml, xmlNode } from '#kernel/xml-writer.ts';
import type { TargetVm } from '#transfers/target.ts';

/** `disks` are qcow2 images. */
export function guestXml(vm: TargetVm, disks: readonly string[]): string {
  const firmware = vm.firmware === 'efi' ? 'efi' : undefined;
  return writeXml(
    xmlNode(
      'domain',
      { type: 'kvm' },
      xmlNode('name', {}, vm.name),
      xmlNode('memory', { unit: 'MiB' }, vm.memoryMib),
      xmlNode('vcpu', {}, vm.cpus),
      xmlNode('os', { firmware }, xmlNode('type', {}, 'hvm'), xmlNode('boot', { dev: 'hd' })),
      xmlNode('features', {}, xmlNode('acpi', {}), xmlNode('apic', {})),
      xmlNode('devices', {}, ...disks.map(diskNode)),
    ),
    { isIndented: true },
  );
}

function diskNode(path: string, at: number) {
  return xmlNode(
    'disk',
    { type: 'file', device: 'disk' },
    xmlNode('driver', { name: 'qemu', type: 'qcow2' }),
    xmlNode('source', { file: path }),
    xmlNode('target', { dev: `sd${letter(at)}`, bus: 'sata' }),
  );
}

function letter(at: number): string {
  const last = String.fromCodePoint(97 + (at % 26));
  return at < 26 ? last : letter(Math.floor(at / 26) - 1) + last;
}
