/** A machine as the parser would make it, for tests that go straight to a hypervisor. */
import type { DiskSpec, MachineSpec } from '#machines/machine-spec.ts';

export interface KernelSpecOptions {
  readonly kernelPath: string;
  readonly initrdPath: string | undefined;
  readonly kernelArgs?: string;
  readonly machineType?: 'microvm' | 'q35';
}

export function kernelSpec(
  { kernelPath, initrdPath, kernelArgs, machineType = 'microvm' }: KernelSpecOptions,
  changes: Partial<MachineSpec> = {},
): MachineSpec {
  return {
    cpu: { vcpus: 1, maxVcpus: 1, topology: undefined, template: undefined, features: {} },
    memoryMib: 128,
    boot: {
      kind: 'kernel',
      machineType,
      kernelPath,
      initrdPath,
      kernelArgs: kernelArgs ?? 'console=ttyS0 quiet',
    },
    disks: [],
    nics: [],
    console: { isEnabled: true, type: 'serial', outputFile: undefined },
    metadata: {},
    given: {},
    ...changes,
  };
}

export function diskSpec(id: string, path: string, changes: Partial<DiskSpec> = {}): DiskSpec {
  return {
    id,
    path,
    givenPath: path,
    format: 'raw',
    sizeBytes: 64 * 1024 * 1024,
    isReadOnly: false,
    isRoot: false,
    writeMode: 'overlay',
    ...changes,
  };
}
