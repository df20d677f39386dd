/** The configuration that a caller would have given for a machine that nobody asked for here. */
import { create, toJson, type JsonValue } from '@bufbuild/protobuf';
import { VmConfigSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import { MIB } from '#kernel/units.ts';
import type { BootSpec, MachineSpec } from '#machines/machine-spec.ts';
import { fillBothNames } from './fill-both-names.ts';

export function specToConfig(spec: Omit<MachineSpec, 'given'>): JsonValue {
  const { cpu, memoryMib, boot, disks, nics, metadata } = spec;
  const config = create(VmConfigSchema, {
    cpu: {
      vcpuCount: cpu.vcpus,
      ...(cpu.topology !== undefined && { topology: { ...cpu.topology } }),
    },
    memory: { sizeBytes: BigInt(memoryMib) * BigInt(MIB) },
    boot: bootToConfig(boot),
    storage: disks.map((disk) => ({
      ...{ id: disk.id, path: disk.givenPath, readOnly: disk.isReadOnly },
      ...{ isRootDevice: disk.isRoot, interfaceType: disk.bus ?? '' },
      options: { write_mode: disk.writeMode },
    })),
    network: nics.map(({ id, mac, model }) => ({
      ...{ id, macAddress: mac },
      ...(model !== undefined && model !== 'virtio' && { interfaceType: model }),
    })),
    metadata: { ...metadata },
  });
  return toJson(VmConfigSchema, fillBothNames(config));
}

function bootToConfig(boot: BootSpec) {
  if (boot.kind === 'firmware') return { bootOptions: { firmware: boot.firmware } };
  const { kernelPath, initrdPath = '', kernelArgs } = boot;
  return { kernelPath, initrdPath, kernelArgs };
}
