/**
 * The device through which a guest finds a disk: virtio, or on q35 what guests without drivers for
 * that know. q35 has six ports of SATA from the start, one disk each; a further controller has six.
 */
import type { BootSpec, DiskBus, DiskSpec } from '#machines/machine-spec.ts';

/** virtio-blk carries so much of a serial number and no more, as does SATA. */
const SERIAL_LENGTH = 20;
const PORTS = 6;
const BUILT_IN = 'ide';

/** The controllers that the disks need beside those that are there. */
export function controllerArguments(disks: readonly DiskSpec[], boot: BootSpec): string[] {
  if (boot.machineType !== 'q35') return [];
  const needed = disks.map(({ bus }, at) => (bus === 'sata' ? controllerOf(at) : BUILT_IN));
  const added = [...new Set(needed)].filter((id) => id !== BUILT_IN);
  return added.flatMap((id) => ['-device', JSON.stringify({ driver: 'ich9-ahci', id })]);
}

export function diskDeviceArguments(disk: DiskSpec, at: number, boot: BootSpec): string[] {
  const { machineType } = boot;
  const bus = machineType === 'q35' ? (disk.bus ?? 'virtio') : 'virtio';
  const device = {
    ...placeOf(bus, at, machineType),
    id: `blk${at}`,
    drive: `disk${at}`,
    serial: disk.id.slice(0, SERIAL_LENGTH),
    // The guest is told of an error, a full host included, and not stopped without a word. NVMe
    // knows no other way.
    ...(bus !== 'nvme' && { werror: 'report', rerror: 'report' }),
    ...(boot.kind === 'firmware' && { bootindex: at }),
  };
  return ['-device', JSON.stringify(device)];
}

function placeOf(bus: DiskBus, at: number, machineType: BootSpec['machineType']): object {
  switch (bus) {
    case 'virtio':
      return { driver: machineType === 'microvm' ? 'virtio-blk-device' : 'virtio-blk-pci' };
    case 'nvme':
      return { driver: 'nvme' };
    case 'sata':
      return { driver: 'ide-hd', bus: `${controllerOf(at)}.${at % PORTS}` };
  }
}

/** By its place among all disks, so that each finds its port without the others. */
function controllerOf(at: number): string {
  const number = Math.floor(at / PORTS);
  return number === 0 ? BUILT_IN : `sata${number}`;
}
