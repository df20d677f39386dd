/** Processors, memory, metadata: what the guest computes with. */
import type { CpuConfig, MemoryConfig } from '#gen/vmprovisioner/v1/vm_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import type { CpuSpec } from '#machines/machine-spec.ts';
import {
  parseCpuFeatures,
  parseCpuTemplate,
  parseMaxVcpus,
  parseMemoryMib,
  parseTopology,
  parseVcpus,
} from '#machines/machine-rules.ts';

export function parseCpu(cpu: CpuConfig | undefined): CpuSpec {
  if (cpu === undefined) {
    throw invalidArgument('config.cpu', 'is required, for instance {"vcpu_count": 2}');
  }
  const vcpus = parseVcpus('config.cpu.vcpu_count', cpu.vcpuCount);
  const maxVcpus = parseMaxVcpus('config.cpu.max_vcpu_count', cpu.maxVcpuCount, vcpus);
  const { topology } = cpu;
  return {
    vcpus,
    maxVcpus,
    topology:
      topology === undefined
        ? undefined
        : parseTopology(
            'config.cpu.topology',
            {
              sockets: topology.sockets,
              coresPerSocket: topology.coresPerSocket,
              threadsPerCore: topology.threadsPerCore,
            },
            maxVcpus,
          ),
    template: parseCpuTemplate('config.cpu.cpu_template', cpu.cpuTemplate ?? ''),
    features: parseCpuFeatures('config.cpu.features', cpu.features),
  };
}

export function parseMemory(memory: MemoryConfig | undefined): number {
  if (memory === undefined) {
    throw invalidArgument('config.memory', 'is required, for instance {"size_bytes": 1073741824}');
  }
  const memoryMib = parseMemoryMib('config.memory.size_bytes', memory.sizeBytes);
  if (memory.hotplugEnabled) {
    throw invalidArgument(
      'config.memory.hotplug_enabled',
      'must be false: memory cannot be added to a running machine here',
    );
  }
  if (memory.maxSizeBytes !== 0n && memory.maxSizeBytes !== memory.sizeBytes) {
    throw invalidArgument(
      'config.memory.max_size_bytes',
      'must be 0 or the same as size_bytes: memory cannot be added to a running machine here',
    );
  }
  refuseOptions('config.memory.backing', memory.backing, []);
  return memoryMib;
}

/** An option that would be accepted and then ignored is worse than a refusal. */
export function refuseOptions(
  field: string,
  options: Readonly<Record<string, string>>,
  known: readonly string[],
): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const choice = known.length === 0 ? 'no options are known here' : `known: ${known.join(', ')}`;
  throw invalidArgument(`${field}.${unknown.slice(0, 40)}`, `is not a known option (${choice})`);
}
