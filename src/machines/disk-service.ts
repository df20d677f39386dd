/** What can be done with the disks that customers bring, whoever asks. */
import { assertMayChange, type Principal } from '#access/principal.ts';
import { DroverError } from '#kernel/errors.ts';
import type { CustomerId, DiskId, MachineId } from '#kernel/ids.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { formatBytes } from '#kernel/units.ts';
import type { Disk, DiskDraft, DiskPart, DiskStore } from './disk.ts';
import { ownerOf } from './machine-owner.ts';
import type { MachineStore } from './machine-store.ts';

export interface DiskLimits {
  /** `Infinity` in either means no limit. Each is for one customer. */
  readonly maxDisks: number;
  readonly maxBytes: number;
}

export interface DiskServiceParts {
  readonly store: DiskStore;
  readonly machines: Pick<MachineStore, 'list'>;
  readonly limits: DiskLimits;
}

export interface DiskRoom extends DiskLimits {
  readonly disks: number;
  readonly bytes: number;
  /** What one more disk may hold, by the quota and by the file system. */
  readonly availableBytes: number;
}

/** Whose is asked for by an operator; customers may leave it out. */
export interface DiskRef {
  readonly customerId: CustomerId | undefined;
  readonly id: DiskId;
}

const PAGE = 1000;

export class DiskService {
  readonly #parts: DiskServiceParts;
  /** Whether a disk fits is decided for one after the other. */
  readonly #creating = new SerialQueue();

  constructor(parts: DiskServiceParts) {
    this.#parts = parts;
  }

  /** The same disk once more answers the one that is there, to be gone on with. */
  async create(
    principal: Principal,
    { customerId: named, ...draft }: Omit<DiskDraft, 'customerId'> & Omit<DiskRef, 'id'>,
  ): Promise<{ readonly disk: Disk; readonly isNew: boolean }> {
    assertMayChange(principal);
    const customerId = ownerOf(principal, named);
    return await this.#creating.run(async () => {
      const { store } = this.#parts;
      const there = await store.find(customerId, draft.id);
      if (there !== undefined && !isSame(there, draft)) throw anotherDisk(there);
      if (there !== undefined && there.state !== 'failed') return { disk: there, isNew: false };
      assertFits(await this.#roomOf(customerId), draft.sizeBytes, there === undefined);
      return { disk: await store.insert({ ...draft, customerId }), isNew: there === undefined };
    });
  }

  /** Another customer's disk and one that does not exist get the same answer. */
  async get(principal: Principal, { customerId, id }: DiskRef): Promise<Disk> {
    const disk = await this.#parts.store.find(ownerOf(principal, customerId), id);
    if (disk !== undefined) return disk;
    throw new DroverError('not_found', `there is no disk ${id}`, {
      reason: 'DISK_NOT_FOUND',
      metadata: { disk_id: id },
    });
  }

  async list(principal: Principal, named: CustomerId | undefined): Promise<readonly Disk[]> {
    return await this.#parts.store.list(ownerOf(principal, named));
  }

  async room(principal: Principal, named: CustomerId | undefined): Promise<DiskRoom> {
    return await this.#roomOf(ownerOf(principal, named));
  }

  async append(principal: Principal, ref: DiskRef, part: DiskPart): Promise<Disk> {
    assertMayChange(principal);
    const { customerId, id } = await this.get(principal, ref);
    return await this.#parts.store.append(customerId, id, part);
  }

  async remove(principal: Principal, ref: DiskRef): Promise<void> {
    assertMayChange(principal);
    const disk = await this.get(principal, ref);
    const user = await this.#userOf(disk);
    if (user !== undefined) throw inUse(disk, user);
    await this.#parts.store.remove(disk);
  }

  async #roomOf(customerId: CustomerId): Promise<DiskRoom> {
    const { store, limits } = this.#parts;
    const all = await store.list(customerId);
    const bytes = all.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    const availableBytes = Math.min(limits.maxBytes - bytes, await store.freeBytes());
    return { ...limits, disks: all.length, bytes, availableBytes: Math.max(0, availableBytes) };
  }

  /** A machine that has it among its disks. */
  async #userOf({ customerId, realPath, state }: Disk): Promise<MachineId | undefined> {
    if (state !== 'ready') return undefined;
    for (let offset = 0; ; offset += PAGE) {
      const { machines, hasMore } = await this.#parts.machines.list({
        ...{ customerId, states: [], limit: PAGE },
        position: { kind: 'offset', offset },
      });
      const user = machines.find(({ spec }) => spec.disks.some(({ path }) => path === realPath));
      if (user !== undefined || !hasMore) return user?.id;
    }
  }
}

function isSame(there: Disk, draft: Omit<DiskDraft, 'customerId'>): boolean {
  const { name, format, sizeBytes, sha256 } = draft;
  return (
    there.name === name &&
    there.format === format &&
    there.sizeBytes === sizeBytes &&
    there.sha256 === sha256
  );
}

function assertFits(room: DiskRoom, sizeBytes: number, isOneMore: boolean): void {
  const { disks, maxDisks, bytes, maxBytes } = room;
  if (isOneMore && disks >= maxDisks) {
    throw quotaExceeded('disks', `${maxDisks} disks is used up; delete some that are not needed`);
  }
  if (bytes + sizeBytes <= maxBytes) return;
  const asked = `${formatBytes(bytes)} in use, ${formatBytes(sizeBytes)} more asked for`;
  throw quotaExceeded('disk_bytes', `${formatBytes(maxBytes)} of disks is too small: ${asked}`);
}

function quotaExceeded(resource: string, what: string): DroverError {
  return new DroverError('resource_exhausted', `customer quota of ${what}`, {
    reason: 'QUOTA_EXCEEDED',
    metadata: { resource },
  });
}

function anotherDisk({ id }: Disk): DroverError {
  const text =
    `there is a disk ${id} already, and its name, format, size or SHA-256 is another; ` +
    'choose another id, or delete that disk';
  return new DroverError('already_exists', text, {
    reason: 'DISK_EXISTS',
    metadata: { disk_id: id },
  });
}

function inUse({ id }: Disk, machine: MachineId): DroverError {
  const text = `the disk ${id} belongs to the machine ${machine}; delete that first`;
  return new DroverError('failed_precondition', text, {
    reason: 'DISK_IN_USE',
    metadata: { disk_id: id, vm_id: machine },
  });
}
