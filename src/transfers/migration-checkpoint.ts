/**
 * How far a migration has come, as it is stored. Each step writes down what it is about to leave
 * behind before it leaves it, so that whoever goes on, or cleans up, knows of all of it.
 */
import type { CopyOutcome } from './disk-copier.ts';
import type { Preparation } from './guest-preparer.ts';
import type { SourceVm } from './source-vm.ts';
import type { Transport } from './source.ts';
import type { DefinedVm, DiskPlace, TargetVm } from './target.ts';

export interface MigrationCheckpoint {
  readonly version: 1;
  /** As it was when the job first saw it. */
  readonly vm?: SourceVm;
  readonly transport?: Transport;
  readonly target?: TargetVm;
  readonly places?: readonly DiskPlace[];
  /** The job took the VM down, so it is for the job to bring it up again if it gives up. */
  readonly stoppedSource?: boolean;
  /** The state of the VM that the copies are of; undefined until it is about to be copied. */
  readonly sourceState?: string | undefined;
  /** By key of the disk. */
  readonly copied: Readonly<Record<string, CopyOutcome>>;
  /** The digest of each disk's content, by key. */
  readonly verified: Readonly<Record<string, string>>;
  /** Undefined again once the disks are to be copied anew. */
  readonly preparation?: Preparation | undefined;
  readonly isAdopted?: boolean;
  readonly defined?: DefinedVm;
  readonly isStarted?: boolean;
}

const EMPTY_CHECKPOINT: MigrationCheckpoint = { version: 1, copied: {}, verified: {} };

export function readCheckpoint(stored: unknown): MigrationCheckpoint {
  // Written by this code, or by an older one, which would have had another version.
  return stored === undefined || stored === null
    ? EMPTY_CHECKPOINT
    : (stored as MigrationCheckpoint);
}
