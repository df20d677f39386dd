/** Limits on the wire: bytes for memory, and a limit that is absent is none. */
import type { QuotaLimits } from '#gen/drover/v1/machines_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { MIB } from '#kernel/units.ts';
import type { QuotaLimits as Limits, Usage } from '#access/quota.ts';

export function quotaToWire(
  customerId: CustomerId,
  { limits, use }: { readonly limits: Limits; readonly use: Usage },
) {
  const { maxMachines, maxVcpus, maxMemoryMib } = limits;
  return {
    customerId,
    limits: {
      ...(Number.isFinite(maxMachines) ? { maxMachines: BigInt(maxMachines) } : {}),
      ...(Number.isFinite(maxVcpus) ? { maxVcpus: BigInt(maxVcpus) } : {}),
      ...(Number.isFinite(maxMemoryMib) ? { maxMemoryBytes: BigInt(maxMemoryMib * MIB) } : {}),
    },
    use: {
      machines: BigInt(use.machines),
      vcpus: BigInt(use.vcpus),
      memoryBytes: BigInt(use.memoryMib * MIB),
    },
  };
}

export function parseQuotaLimits(limits: QuotaLimits | undefined): Limits {
  if (limits === undefined) throw invalidArgument('limits', 'is required; {} sets no limit at all');
  return {
    maxMachines: parseLimit('limits.max_machines', limits.maxMachines),
    maxVcpus: parseLimit('limits.max_vcpus', limits.maxVcpus),
    maxMemoryMib: Math.floor(parseLimit('limits.max_memory_bytes', limits.maxMemoryBytes) / MIB),
  };
}

function parseLimit(field: string, limit: bigint | undefined): number {
  if (limit === undefined) return Infinity;
  if (limit >= 0n && limit <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(limit);
  throw invalidArgument(field, 'must be 0 or more; leave it out for no limit');
}
