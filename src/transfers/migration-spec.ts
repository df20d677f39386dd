/**
 * What a migration is to do, as it is stored with its job: every default filled in, no secret.
 * Passwords travel beside it, in the secrets of the job.
 */
import type { Job } from '#jobs/job.ts';
import type { DiskFormat } from '#disks/disk-writer.ts';
import type { CustomerId } from '#kernel/ids.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import type { Transport } from './source.ts';

export const MIGRATION_KIND = 'migration';
/** Of a path with `*` in it, which stands for many. */
export const FAN_OUT_KIND = 'migration-fan-out';

export type SourceSpec =
  | {
      readonly kind: 'vsphere';
      readonly connection: string;
      /** Instead of the connection's own. */
      readonly datacenter?: string | undefined;
    }
  | {
      readonly kind: 'vsphere';
      readonly connection: undefined;
      readonly url: string;
      readonly username: string;
      readonly datacenter: string | undefined;
      readonly trust: HttpTrust;
    }
  /** What the process was configured with; see the documents on connections. */
  | { readonly kind: 'default'; readonly datacenter?: string | undefined }
  /** Undefined: all that may be read here. That can be looked through; a job names a path. */
  | { readonly kind: 'file'; readonly path: string | undefined };

export type DestinationSpec =
  | {
      readonly kind: 'kvm';
      readonly uri: string;
      /** At most one of the two; neither: the target's own default. */
      readonly pool: string | undefined;
      readonly directory: string | undefined;
      /** What the guest's serial console says when it is up; undefined: a login prompt. */
      readonly readyText: string | undefined;
    }
  /** The VM becomes a machine of the customer. */
  | {
      readonly kind: 'drover';
      readonly customerId: CustomerId;
      /** Absent: this Drover. */
      readonly remote?: RemoteDrover | undefined;
      /** As above. */
      readonly readyText: string | undefined;
    }
  | { readonly kind: 'file'; readonly directory: string };

/** Its token travels beside it, in the secrets of the job. */
export interface RemoteDrover {
  /** Without a slash at its end. */
  readonly url: string;
  readonly trust: HttpTrust;
}

export const POWER_POLICIES = ['require-off', 'shutdown', 'power-off'] as const;
/** What to do about a VM that is running; `shutdown` asks the guest and then waits. */
export type PowerPolicy = (typeof POWER_POLICIES)[number];

export const PREPARE_POLICIES = ['auto', 'never'] as const;
/** Whether a guest gets drivers for virtio: where that can be done here, or not at all. */
export type PreparePolicy = (typeof PREPARE_POLICIES)[number];

export interface MigrationOptions {
  readonly transport: Transport | 'auto';
  readonly networkMapping: Readonly<Record<string, string>>;
  /** By datastore, or by the label of a disk. */
  readonly storageMapping: Readonly<Record<string, string>>;
  readonly format: DiskFormat;
  readonly isCompressed: boolean;
  readonly power: PowerPolicy;
  readonly shutdownTimeoutMs: number;
  readonly parallelDisks: number;
  /** In bytes a second; undefined: as much as there is. It can be changed: see `parseControls`. */
  readonly bandwidthLimit: number | undefined;
  readonly verifies: boolean;
  readonly targetName: string | undefined;
  readonly prepare: PreparePolicy;
  readonly mac: 'keep' | 'new';
  readonly starts: boolean;
  /** Undefined: nobody waits for the guest. */
  readonly bootTimeoutMs: number | undefined;
  readonly removesCdroms: boolean;
  /** Preflight alone. */
  readonly isDryRun: boolean;
}

export interface MigrationSpec {
  readonly vmPath: string;
  readonly source: SourceSpec;
  readonly destination: DestinationSpec;
  readonly options: MigrationOptions;
  /** The caller's own, answered unchanged. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Of a job that `parseMigration` made: nobody else makes any of these kinds. */
export function readSpec({ spec }: Pick<Job, 'spec'>): MigrationSpec {
  const stored: object = spec;
  return stored as MigrationSpec;
}
