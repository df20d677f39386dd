/**
 * Disks that customers bring themselves: sent piece by piece, then checked, and from then on there
 * to be named in the configuration of a machine.
 *
 *   receiving ──(its last byte is there)──▶ checking ──▶ ready
 *       ▲                                       │
 *       └────────(created once more)── failed ◀─┘
 */
import type { CustomerId, DiskId } from '#kernel/ids.ts';
import type { Zeros } from './disk-extents.ts';

export const DISK_FORMATS = ['raw', 'qcow2'] as const;
export type DiskFormat = (typeof DISK_FORMATS)[number];

export const DISK_STATES = ['receiving', 'checking', 'ready', 'failed'] as const;
export type DiskState = (typeof DISK_STATES)[number];

/** What is known of a disk before its first byte. */
export interface DiskDraft {
  readonly id: DiskId;
  readonly customerId: CustomerId;
  /** For people. */
  readonly name: string;
  readonly format: DiskFormat;
  /** Of the image file. */
  readonly sizeBytes: number;
  /** Of the image file, in lower-case hex; undefined: nobody can tell whether it came unharmed. */
  readonly sha256: string | undefined;
}

export interface Disk extends DiskDraft {
  readonly state: DiskState;
  /** These are on the disk for good: whoever goes on sending begins here. */
  readonly receivedBytes: number;
  /** Of one that is being checked: so much of it has been looked at. */
  readonly checkedBytes: number | undefined;
  /** What counts against the quota: the whole of one that is still coming. */
  readonly heldBytes: number;
  /** For the configuration of a machine, once it is ready. */
  readonly path: string;
  /** On the host, as the image catalog finds it. */
  readonly realPath: string;
  readonly createdAt: number;
  /** Of one that failed. */
  readonly failure: string | undefined;
}

export interface DiskPart {
  /** Where the first byte of the body belongs. */
  readonly offset: number;
  /** `remaining` is how much of the disk is missing. */
  readonly open: (remaining: number) => AsyncIterable<Uint8Array | Zeros>;
}

/** Where the images lie. Everything in it is of one customer. */
export interface DiskStore {
  /** In the order in which they were made. */
  list(customerId: CustomerId): Promise<readonly Disk[]>;
  find(customerId: CustomerId, id: DiskId): Promise<Disk | undefined>;
  /** Over none that is there, but for one that failed. */
  insert(draft: DiskDraft): Promise<Disk>;
  /**
   * What came before the body broke off stays. The newest call for a disk wins: an earlier one
   * ends, since its connection may be dead without anybody knowing.
   */
  append(customerId: CustomerId, id: DiskId, part: DiskPart): Promise<Disk>;
  remove(disk: Disk): Promise<void>;
  freeBytes(): Promise<number>;
}
