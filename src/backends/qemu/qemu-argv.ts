/**
 * LaunchRequest → QEMU's arguments. Pure.
 *
 * QEMU runs in the machine's own directory, so its sockets and logs have short fixed names. What
 * comes from outside reaches QEMU only as an argument of its own (kernel, initrd, kernel
 * arguments) or inside JSON (disks), where a comma or `=` in a path means nothing.
 *
 * microvm runs with ACPI: it is how Linux finds the devices, hears the power button and turns the
 * machine off. The root disk comes first, so that it is /dev/vda, and kernel arguments that name
 * no root get it, as Firecracker's do. Everything printed to ttyS0 is logged; with
 * VIRTIO_CONSOLE, hvc0 is offered too, and goes into the same log.
 */
import { createHash } from 'node:crypto';

import { DroverError } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import type { NicAttachment } from '#machines/host-network.ts';
import type { LaunchRequest } from '#machines/hypervisor.ts';
import type {
  BootSpec,
  ConsoleSpec,
  CpuSpec,
  DiskSpec,
  MachineType,
} from '#machines/machine-spec.ts';
import type { Accelerator } from './accelerator-probe.ts';
import { cpuModelArgument } from './cpu-model.ts';
import { controllerArguments, diskDeviceArguments } from './disk-devices.ts';
import {
  AGENT_SOCKET,
  CONSOLE_FILE,
  EFI_VARS_FILE,
  overlayFile,
  QMP_SOCKET,
} from './machine-files.ts';

export interface ArgvOptions {
  readonly accelerator: Accelerator;
  /** Told to Linux guests of microvm under TCG; see tsc-frequency.ts. */
  readonly tscKhz: number | undefined;
  /** Where the UEFI code is; needed for guests that boot by UEFI. */
  readonly efiCodePath: string | undefined;
}

/** The ids of the character devices the console is logged through. */
export const CONSOLE_CHARDEVS = { serial: 'console', virtio: 'console-virtio' } as const;

const SANDBOX = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';
/** Unbounded, translated code would grow to 1 GiB a guest. */
const ACCELERATORS = { kvm: 'kvm', tcg: 'tcg,tb-size=256' } as const;
const TAP_NAME = /^[A-Za-z0-9_.-]{1,15}$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
/** The name qemu-ga looks for. */
const AGENT_PORT = 'org.qemu.guest_agent.0';

export function buildQemuArgv(request: LaunchRequest, options: ArgvOptions): string[] {
  const { machineId, spec } = request;
  const { machineType } = spec.boot;
  const disks = orderDisks(spec.disks);
  return [
    ...['-name', `guest=${machineId}`, '-uuid', machineUuid(machineId)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-sandbox', SANDBOX],
    ...['-machine', machineType === 'microvm' ? 'microvm,acpi=on' : 'q35'],
    ...['-accel', ACCELERATORS[options.accelerator]],
    ...['-cpu', cpuModelArgument(spec.cpu, options.accelerator)],
    ...['-smp', smpArgument(spec.cpu), '-m', `size=${spec.memoryMib}M`],
    ...bootArguments(spec.boot, spec.disks, options),
    ...controllerArguments(disks, spec.boot),
    ...disks.flatMap((disk, at) => [
      ...diskImageArguments(disk, at),
      ...diskDeviceArguments(disk, at, spec.boot),
    ]),
    ...request.nics.flatMap((attachment, at) => nicArguments(attachment, at, machineType)),
    ...consoleArguments(spec.console, machineType),
    ...jsonArgument('-object', { 'qom-type': 'rng-random', id: 'rng0', filename: '/dev/urandom' }),
    ...jsonArgument('-device', { driver: virtio('rng', machineType), id: 'rng', rng: 'rng0' }),
    ...jsonArgument('-device', { driver: 'pvpanic', id: 'pvpanic' }),
    // q35 has one. `reboot=k`, usual for small guests, restarts through it, or else hangs.
    ...(machineType === 'microvm' ? jsonArgument('-device', { driver: 'i8042', id: 'ps2' }) : []),
    ...['-chardev', `socket,id=qmp,path=${QMP_SOCKET},server=on,wait=off`],
    ...['-mon', 'chardev=qmp,mode=control'],
  ];
}

/** The same for a machine each time; tells its process from others. */
export function machineUuid(id: MachineId): string {
  const hex = createHash('sha256').update(`drover machine ${id}`).digest('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return [...parts, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}

/** `virtio-console`, `VIRTIO_CONSOLE`. */
export function hasVirtioConsole({ type }: ConsoleSpec): boolean {
  return type.toLowerCase().startsWith('virtio');
}

/** The root disk first, the others as they were given. */
function orderDisks(disks: readonly DiskSpec[]): readonly DiskSpec[] {
  return [...disks.filter((disk) => disk.isRoot), ...disks.filter((disk) => !disk.isRoot)];
}

function smpArgument({ vcpus, maxVcpus, topology }: CpuSpec): string {
  const counts = `cpus=${vcpus},maxcpus=${maxVcpus}`;
  if (topology === undefined) return counts;
  const { sockets, coresPerSocket, threadsPerCore } = topology;
  return `${counts},sockets=${sockets},cores=${coresPerSocket},threads=${threadsPerCore}`;
}

function bootArguments(
  boot: BootSpec,
  disks: readonly DiskSpec[],
  { accelerator, tscKhz, efiCodePath }: ArgvOptions,
): string[] {
  if (boot.kind === 'kernel') {
    const isTscTold = boot.machineType === 'microvm' && accelerator === 'tcg';
    const append = kernelArguments(boot.kernelArgs, disks, isTscTold ? tscKhz : undefined);
    const initrd = boot.initrdPath === undefined ? [] : ['-initrd', boot.initrdPath];
    return ['-kernel', boot.kernelPath, ...initrd, '-append', append];
  }
  if (boot.firmware === 'bios') return [];
  if (efiCodePath === undefined) throw new Error('a UEFI guest needs the path of its firmware');
  const code = { driver: 'file', filename: efiCodePath, 'read-only': true };
  const vars = { driver: 'file', filename: EFI_VARS_FILE };
  return [
    ...jsonArgument('-blockdev', {
      driver: 'raw',
      'node-name': 'efi-code',
      'read-only': true,
      file: code,
    }),
    ...jsonArgument('-blockdev', { driver: 'raw', 'node-name': 'efi-vars', file: vars }),
    ...['-machine', 'pflash0=efi-code,pflash1=efi-vars'],
  ];
}

function kernelArguments(
  given: string,
  disks: readonly DiskSpec[],
  tscKhz: number | undefined,
): string {
  const words = given.split(/\s+/).filter((word) => word !== '');
  const has = (...names: string[]) =>
    words.some((word) => names.some((name) => word.startsWith(`${name}=`)));
  const root = disks.find((disk) => disk.isRoot);
  return [
    given,
    ...(root === undefined || has('root')
      ? []
      : [`root=/dev/vda ${root.isReadOnly ? 'ro' : 'rw'}`]),
    // `reliable`: there is no better clock on that machine to watch the counter with.
    ...(tscKhz === undefined || has('tsc', 'tsc_early_khz', 'clocksource')
      ? []
      : [`tsc_early_khz=${tscKhz} tsc=reliable`]),
  ]
    .join(' ')
    .trim();
}

function diskImageArguments(disk: DiskSpec, at: number): string[] {
  const isWritten = !disk.isReadOnly && disk.writeMode === 'direct';
  const image = {
    driver: disk.format,
    'read-only': !isWritten,
    file: { driver: 'file', filename: disk.path, aio: 'threads', 'read-only': !isWritten },
  };
  const overlay = {
    driver: 'qcow2',
    file: { driver: 'file', filename: overlayFile(disk.id), aio: 'threads' },
    backing: image,
  };
  const isOverlay = !disk.isReadOnly && disk.writeMode === 'overlay';
  return [
    // Not `direct`, so what the guest has written is the host kernel's at once and survives the
    // end of QEMU; flushes are passed on, so what it has flushed survives the end of the host.
    ...jsonArgument('-blockdev', {
      'node-name': `disk${at}`,
      ...(isOverlay ? overlay : image),
      discard: 'unmap',
      cache: { direct: false, 'no-flush': false },
    }),
  ];
}

function nicArguments(attachment: NicAttachment, at: number, machineType: MachineType): string[] {
  const { nic } = attachment;
  const { model = 'virtio' } = nic;
  const isVirtio = machineType !== 'q35' || model === 'virtio';
  if (!MAC.test(nic.mac)) throw new Error(`NIC ${nic.id} has a MAC that was not parsed`);
  return [
    ...['-netdev', netdevArgument(attachment, `net${at}`)],
    ...jsonArgument('-device', {
      driver: isVirtio ? virtio('net', machineType) : model,
      id: `nic${at}`,
      netdev: `net${at}`,
      mac: nic.mac,
      // No guest boots from the network, so no boot ROM is loaded for it.
      ...(machineType === 'q35' ? { romfile: '' } : {}),
    }),
  ];
}

function netdevArgument(attachment: NicAttachment, id: string): string {
  if (attachment.kind === 'user') {
    const { mode } = attachment.nic;
    const ipv4 = mode === 'ipv6-only' ? 'off' : 'on';
    const ipv6 = mode === 'ipv4-only' ? 'off' : 'on';
    return `user,id=${id},ipv4=${ipv4},ipv6=${ipv6}`;
  }
  if (!TAP_NAME.test(attachment.tapDevice)) {
    throw new DroverError('internal', 'a network device of the VM has an impossible name', {
      context: { tapDevice: attachment.tapDevice },
    });
  }
  return `tap,id=${id},ifname=${attachment.tapDevice},script=no,downscript=no`;
}

function consoleArguments(console: ConsoleSpec, machineType: MachineType): string[] {
  const log = (id: string) =>
    console.isEnabled ? `file,id=${id},path=${CONSOLE_FILE},append=on` : `null,id=${id}`;
  const hvc = { driver: 'virtconsole', id: 'hvc0', chardev: CONSOLE_CHARDEVS.virtio };
  const agent = { driver: 'virtserialport', id: 'agent-port', chardev: 'agent', name: AGENT_PORT };
  return [
    ...['-chardev', log(CONSOLE_CHARDEVS.serial), '-serial', `chardev:${CONSOLE_CHARDEVS.serial}`],
    ...jsonArgument('-device', { driver: virtio('serial', machineType), id: 'vserial' }),
    ...(hasVirtioConsole(console) ? ['-chardev', log(CONSOLE_CHARDEVS.virtio)] : []),
    ...(hasVirtioConsole(console) ? jsonArgument('-device', hvc) : []),
    ...['-chardev', `socket,id=agent,path=${AGENT_SOCKET},server=on,wait=off`],
    ...jsonArgument('-device', agent),
  ];
}

function virtio(device: 'net' | 'rng' | 'serial', machineType: MachineType): string {
  return `virtio-${device}-${machineType === 'microvm' ? 'device' : 'pci'}`;
}

function jsonArgument(option: string, value: object): string[] {
  return [option, JSON.stringify(value)];
}
