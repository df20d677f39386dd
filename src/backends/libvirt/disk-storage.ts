/**
 * Where disks are kept at a target. A disk goes through
 *
 *     place ──► (it is written) ──► send ──► adopt ──► source ──► (the domain is there) ──► settle
 *
 * and at every moment it can be told whose it is: by a name that bears the owner until `settle`,
 * by the domain that bears the owner from then on. `claim` is the way back, before the domain goes.
 */
import type { RateLimiter } from '#disks/rate-limiter.ts';
import type { DiskSource } from './domain-disks.ts';
import type { NamedDisk } from './disk-names.ts';

export interface Room {
  /** For people. */
  readonly label: string;
  /** Undefined when nobody can tell. */
  readonly freeBytes: number | undefined;
  /** Whether a disk takes all of its capacity at once, and not only what was written to it. */
  readonly takesWholeDisks: boolean;
}

export interface DiskSending {
  readonly limiter: RateLimiter;
  readonly onProgress: (doneBytes: number) => void;
}

export interface DiskStorage {
  /** For people: `pool default`, or the directory. */
  readonly label: string;
  /** Undefined where any format may lie; otherwise the one that may. */
  readonly onlyFormat: 'raw' | undefined;
  /** Whether disks are written to a file here and then sent, and not written in their place. */
  readonly isSentTo: boolean;
  /** A directory at the host of libvirt, for what lies beside the disks; undefined: none. */
  readonly directory: string | undefined;
  /** A file here for the copy to write. */
  place(disk: NamedDisk, signal: AbortSignal): Promise<string>;
  /** How long the file is that still has to be sent there; undefined: there is none. */
  unsentBytes(disk: NamedDisk): Promise<number | undefined>;
  /** Sends it. Nothing is done where nothing is unsent. */
  send(disk: NamedDisk, sending: DiskSending, signal: AbortSignal): Promise<void>;
  /** Puts what was written where it stays. */
  adopt(disk: NamedDisk, signal: AbortSignal): Promise<void>;
  source(disk: NamedDisk, signal: AbortSignal): Promise<DiskSource>;
  settle(disk: NamedDisk): Promise<void>;
  claim(disk: NamedDisk): Promise<void>;
  /** Removes what bears the owner, and says what that was. */
  remove(disk: NamedDisk, signal: AbortSignal): Promise<readonly string[]>;
  /** What is in the way of a disk, and not of the same owner. */
  obstacle(disk: NamedDisk, signal: AbortSignal): Promise<string | undefined>;
  /** Makes libvirt notice what was added or removed. */
  refresh(signal: AbortSignal): Promise<void>;
  /** All the places that must have room for a disk. */
  rooms(signal: AbortSignal): Promise<readonly Room[]>;
}
