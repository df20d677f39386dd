/** The disks of a domain. The first is booted; the others follow if it cannot be. */
import { xmlNode, type XmlNode } from '#kernel/xml-writer.ts';
import type { TargetDisk } from '#transfers/target.ts';
import type { MachineKind } from './host-abilities.ts';

export interface DiskSource {
  readonly kind: 'file' | 'block';
  /** At that host. */
  readonly path: string;
}

type Bus = 'sata' | 'scsi' | 'ide' | 'virtio';

const IDE_DISKS = 4;
/** As guests of the bus call them; libvirt wants each name once. */
const NAME_PREFIX = { sata: 'sd', scsi: 'sd', ide: 'hd', virtio: 'vd' } as const;

export function diskNodes(
  disks: readonly TargetDisk[],
  sources: readonly DiskSource[],
  machine: MachineKind,
): readonly XmlNode[] {
  const used = { sd: 0, hd: 0, vd: 0 };
  return disks.flatMap((disk, index) => {
    const source = sources[index];
    if (source === undefined) throw new RangeError(`${disk.key} has no source`);
    const bus = busOf(disk, machine, used.hd);
    const prefix = NAME_PREFIX[bus];
    const dev = `${prefix}${lettersOf(used[prefix])}`;
    used[prefix] += 1;
    return [diskNode(disk, source, { dev, bus, order: index + 1 })];
  });
}

interface Attachment {
  readonly dev: string;
  readonly bus: Bus;
  readonly order: number;
}

function diskNode(disk: TargetDisk, source: DiskSource, { dev, bus, order }: Attachment): XmlNode {
  const path = source.kind === 'file' ? { file: source.path } : { dev: source.path };
  return xmlNode(
    'disk',
    { type: source.kind, device: 'disk' },
    xmlNode('driver', { name: 'qemu', type: disk.format, discard: 'unmap' }),
    xmlNode('source', path),
    xmlNode('target', { dev, bus }),
    xmlNode('boot', { order }),
  );
}

/** A q35 machine has no IDE, and no libvirt puts a disk of ours on NVMe: SATA is known to all. */
function busOf({ bus }: TargetDisk, machine: MachineKind, ideDisks: number): Bus {
  switch (bus) {
    case 'sata':
    case 'scsi':
    case 'virtio':
      return bus;
    case 'nvme':
      return 'sata';
    case 'ide':
      return machine === 'pc' && ideDisks < IDE_DISKS ? 'ide' : 'sata';
  }
}

/** 0 is a, 25 is z, 26 is aa. */
function lettersOf(index: number): string {
  const last = String.fromCodePoint(97 + (index % 26));
  return index < 26 ? last : `${lettersOf(Math.floor(index / 26) - 1)}${last}`;
}
