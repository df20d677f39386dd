/**
 * What this host can run at once. Reserved when a machine starts, given back when it has stopped;
 * machines that are only defined take none of it.
 */
import type { MachineId } from '#kernel/ids.ts';
import { exceededLimit, exceededToError, type Usage } from '#access/quota.ts';
import type { MachineSpec } from './machine-spec.ts';

export interface CapacityLimits {
  readonly vcpus: number;
  readonly memoryMib: number;
}

const NOTHING: Usage = { machines: 0, vcpus: 0, memoryMib: 0 };

export class HostCapacity {
  readonly limits: CapacityLimits;
  #used: Usage = NOTHING;
  readonly #held = new Map<MachineId, Usage>();

  constructor(limits: CapacityLimits) {
    this.limits = limits;
  }

  get used(): Usage {
    return this.#used;
  }

  /** A machine found running is counted whether or not it fits: it runs already. */
  adopt(id: MachineId, spec: MachineSpec): void {
    if (this.#held.has(id)) return;
    const share = specToUsage(spec);
    this.#held.set(id, share);
    this.#used = add(this.#used, share, 1);
  }

  reserve(id: MachineId, spec: MachineSpec): void {
    if (this.#held.has(id)) return;
    this.#assertFits(this.#used, spec);
    this.adopt(id, spec);
  }

  holds(id: MachineId): boolean {
    return this.#held.has(id);
  }

  release(id: MachineId): void {
    const share = this.#held.get(id);
    if (share === undefined) return;
    this.#held.delete(id);
    this.#used = add(this.#used, share, -1);
  }

  /** A machine that would not fit into the empty host can be refused when it is created. */
  assertCouldFit(spec: MachineSpec): void {
    this.#assertFits(NOTHING, spec);
  }

  #assertFits(used: Usage, spec: MachineSpec): void {
    const limits = {
      maxMachines: Infinity,
      maxVcpus: this.limits.vcpus,
      maxMemoryMib: this.limits.memoryMib,
    };
    const exceeded = exceededLimit(limits, used, specToUsage(spec));
    if (exceeded !== undefined) throw exceededToError(exceeded, 'host');
  }
}

/** What a machine counts for, against quotas and against the host. */
export function specToUsage(spec: MachineSpec): Usage {
  return { machines: 1, vcpus: spec.cpu.vcpus, memoryMib: spec.memoryMib };
}

function add(use: Usage, share: Usage, sign: 1 | -1): Usage {
  return {
    machines: use.machines + sign * share.machines,
    vcpus: use.vcpus + sign * share.vcpus,
    memoryMib: use.memoryMib + sign * share.memoryMib,
  };
}
