/** How much of a host a customer may hold, and whether one more machine still fits. */
import { DroverError } from '#kernel/errors.ts';

export interface QuotaLimits {
  /** `Infinity` in any of the three means no limit. */
  readonly maxMachines: number;
  readonly maxVcpus: number;
  readonly maxMemoryMib: number;
}

export interface Usage {
  readonly machines: number;
  readonly vcpus: number;
  readonly memoryMib: number;
}

export type QuotaResource = 'machines' | 'vcpus' | 'memory';

export interface ExceededLimit {
  readonly resource: QuotaResource;
  readonly limit: number;
  readonly used: number;
  readonly requested: number;
}

/** Whose limit it is: one customer's share, or all that the host has. */
export type LimitOwner = 'customer' | 'host';

/** The first limit that `wanted` on top of `use` goes past; undefined when all of it fits. */
export function exceededLimit(
  limits: QuotaLimits,
  use: Usage,
  wanted: Usage,
): ExceededLimit | undefined {
  const rows: readonly ExceededLimit[] = [
    {
      resource: 'machines',
      limit: limits.maxMachines,
      used: use.machines,
      requested: wanted.machines,
    },
    { resource: 'vcpus', limit: limits.maxVcpus, used: use.vcpus, requested: wanted.vcpus },
    {
      resource: 'memory',
      limit: limits.maxMemoryMib,
      used: use.memoryMib,
      requested: wanted.memoryMib,
    },
  ];
  // What asks for nothing is never refused, even where a limit was lowered below the use.
  return rows.find((row) => row.requested > 0 && row.used + row.requested > row.limit);
}

const UNITS: Record<QuotaResource, string> = {
  machines: 'machines',
  vcpus: 'vCPUs',
  memory: 'MiB of memory',
};

/** The refusal, with the numbers in the sentence and again as metadata. */
export function exceededToError(exceeded: ExceededLimit, whose: LimitOwner): DroverError {
  const { resource, limit, used, requested } = exceeded;
  const of = `${limit} ${UNITS[resource]}`;
  const start =
    whose === 'customer'
      ? `customer quota of ${of} is ${used >= limit ? 'used up' : 'too small'}`
      : `host capacity of ${of} is ${used >= limit ? 'used up' : 'too small'}`;
  return new DroverError(
    'resource_exhausted',
    `${start}: ${used} in use, ${requested} more asked for`,
    {
      reason: whose === 'customer' ? 'QUOTA_EXCEEDED' : 'HOST_CAPACITY_EXCEEDED',
      metadata: {
        resource,
        limit: String(limit),
        used: String(used),
        requested: String(requested),
      },
    },
  );
}
