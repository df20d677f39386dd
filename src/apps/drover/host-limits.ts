/** What this host offers to machines, from what it has and what the configuration says. */
import { availableParallelism, totalmem } from 'node:os';
import { MIB } from '#kernel/units.ts';
import type { CapacityLimits } from '#machines/host-capacity.ts';
import type { Config } from './config.ts';

export function hostCapacity({ vcpusPerCore, memory }: Config['capacity']): CapacityLimits {
  const bytes = memory.kind === 'size' ? memory.bytes : memory.share * totalmem();
  return {
    vcpus: Math.max(1, Math.floor(availableParallelism() * vcpusPerCore)),
    memoryMib: Math.floor(bytes / MIB),
  };
}
