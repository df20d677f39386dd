/** From the wire's VmConfig to a machine's specification, or a refusal that names the field. */
import { toJson } from '@bufbuild/protobuf';
import { VmConfigSchema, type VmConfig } from '#gen/vmprovisioner/v1/vm_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import { parseMetadata } from '#machines/machine-rules.ts';
import type { BootSpec, DiskSpec, MachineSpec, NicSpec } from '#machines/machine-spec.ts';
import { fillBothNames } from './fill-both-names.ts';
import { parseBoot, type BootContext } from './parse-boot.ts';
import { parseCpu, parseMemory } from './parse-compute.ts';
import { parseConsole } from './parse-console.ts';
import { parseNetwork } from './parse-network.ts';
import { parseStorage } from './parse-storage.ts';

export interface ConfigContext extends BootContext {
  readonly machineId: MachineId;
}

export interface ParsedConfig {
  readonly spec: MachineSpec;
  readonly nicFields: readonly string[];
}

/** Cheap checks come first, so that a bad request costs no look at the disk. */
export async function parseVmConfig(
  config: VmConfig | undefined,
  context: ConfigContext,
): Promise<ParsedConfig> {
  if (config === undefined) {
    throw invalidArgument('config', 'is required; it needs cpu, memory, boot and storage');
  }
  const cpu = parseCpu(config.cpu);
  const memoryMib = parseMemory(config.memory);
  const network = parseNetwork(config.network, context.machineId);
  const console = parseConsole(config.console);
  const metadata = parseMetadata('config.metadata', config.metadata);
  const boot = await parseBoot(config.boot, context);
  const disks = await parseStorage(config.storage, context.images, context.customerId);
  assertDevicesFit(boot, disks, network.nics);
  return {
    spec: {
      cpu,
      memoryMib,
      boot,
      disks,
      nics: network.nics,
      console,
      metadata,
      given: toJson(VmConfigSchema, fillBothNames(config)),
    },
    nicFields: network.fields,
  };
}

/** A microvm has no bus that these could be on. */
function assertDevicesFit(
  { machineType }: BootSpec,
  disks: readonly DiskSpec[],
  nics: readonly NicSpec[],
): void {
  if (machineType === 'q35') return;
  const remedy = 'must be left out, or config.boot.boot_options.machine must be q35';
  const disk = disks.findIndex(({ bus }) => bus !== undefined);
  if (disk >= 0) throw invalidArgument(`config.storage[${disk}].interface_type`, remedy);
  const nic = nics.findIndex(({ model }) => model !== undefined);
  if (nic >= 0) throw invalidArgument(`config.network[${nic}].interface_type`, remedy);
}
