/** How the guest starts: a kernel handed to it, or the firmware looking for one on its disk. */
import type { BootConfig } from '#gen/vmprovisioner/v1/vm_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import type { ImageCatalog } from '#machines/hypervisor.ts';
import { parseKernelArgs, quote } from '#machines/machine-rules.ts';
import type { BootSpec, MachineType } from '#machines/machine-spec.ts';
import { refuseOptions } from './parse-compute.ts';

export interface BootContext {
  readonly images: ImageCatalog;
  readonly customerId: CustomerId;
  /** For a guest whose kernel is handed to it. */
  readonly machineType: MachineType;
}

export async function parseBoot(
  boot: BootConfig | undefined,
  context: BootContext,
): Promise<BootSpec> {
  if (boot === undefined) {
    throw invalidArgument(
      'config.boot',
      'is required: {"kernel_path": …}, or {"boot_options": {"firmware": "bios"}} for a disk ' +
        'that boots by itself',
    );
  }
  refuseOptions('config.boot.boot_options', boot.bootOptions, ['firmware', 'machine']);
  const { firmware, machine } = boot.bootOptions;
  if (firmware !== undefined) return parseFirmware(boot, firmware, machine);
  if (boot.kernelPath === '') {
    throw invalidArgument(
      'config.boot.kernel_path',
      'is required, unless boot_options.firmware is bios or uefi and the root disk boots itself',
    );
  }
  const { images, customerId } = context;
  return {
    kind: 'kernel',
    machineType: parseMachineType(machine) ?? context.machineType,
    kernelPath: await images.resolveFile('config.boot.kernel_path', boot.kernelPath, customerId),
    initrdPath:
      boot.initrdPath === ''
        ? undefined
        : await images.resolveFile('config.boot.initrd_path', boot.initrdPath, customerId),
    kernelArgs: parseKernelArgs('config.boot.kernel_args', boot.kernelArgs),
  };
}

function parseFirmware(boot: BootConfig, firmware: string, machine: string | undefined): BootSpec {
  if (firmware !== 'bios' && firmware !== 'uefi') {
    throw invalidArgument(
      'config.boot.boot_options.firmware',
      `must be bios or uefi, got ${quote(firmware)}`,
    );
  }
  for (const [name, value] of [
    ['kernel_path', boot.kernelPath],
    ['initrd_path', boot.initrdPath],
    ['kernel_args', boot.kernelArgs],
  ] as const) {
    if (value === '') continue;
    throw invalidArgument(
      `config.boot.${name}`,
      'must be left out when boot_options.firmware is given: the disk brings its own',
    );
  }
  if ((parseMachineType(machine) ?? 'q35') !== 'q35') {
    throw invalidArgument('config.boot.boot_options.machine', 'must be q35 with a firmware');
  }
  return { kind: 'firmware', machineType: 'q35', firmware };
}

function parseMachineType(text: string | undefined): MachineType | undefined {
  if (text === undefined || text === 'microvm' || text === 'q35') return text;
  throw invalidArgument(
    'config.boot.boot_options.machine',
    `must be microvm or q35, got ${quote(text)}`,
  );
}
