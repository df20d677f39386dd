/**
 * Where VMs come from. A backend implements this for vSphere, another for files; the pipeline
 * knows neither.
 */
import type { DiskFeed } from './disk-feed.ts';
import type { SourceVm, VmSummary } from './source-vm.ts';

export interface ListOptions {
  readonly datacenter?: string | undefined;
  /** A path with `*` within names; absent: every VM. */
  readonly pattern?: string | undefined;
}

export interface ChangedArea {
  readonly offset: number;
  readonly length: number;
}

export const TRANSPORTS = ['nfc', 'datastore', 'vddk', 'file'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** What a migration does at its source. */
export interface PrivilegeNeeds {
  /** How it reads disks; undefined: in no way that there is. */
  readonly transport: Transport | undefined;
  readonly stopsVm: boolean;
  readonly removesCdroms: boolean;
}

/** One login. It renews itself; whoever opened it disposes it. */
export interface Source extends AsyncDisposable {
  /** Those that can serve this source, the preferred first. */
  readonly transports: readonly Transport[];
  /** Why one that might be expected is not among them, and what to do about that. */
  readonly obstacles?: Readonly<Partial<Record<Transport, string>>>;
  /** Who answers, such as `VMware vCenter Server 8.0.2`; shown by tests of connections. */
  readonly product: string;
  listVms(options: ListOptions, signal: AbortSignal): Promise<readonly VmSummary[]>;
  /** By path, `not_found` with the nearest names when there is none. */
  findVm(path: string, signal: AbortSignal): Promise<SourceVm>;
  /** Asks the guest and returns when it was asked, not when it is off. */
  shutDownGuest(ref: string, signal: AbortSignal): Promise<void>;
  /** Returns when it is off; harmless when it is off already. */
  powerOff(ref: string, signal: AbortSignal): Promise<void>;
  powerOn(ref: string, signal: AbortSignal): Promise<void>;
  /** How many were removed. */
  removeCdroms(ref: string, signal: AbortSignal): Promise<number>;
  /** What is missing for that, by name; empty when nothing is, undefined if unknown. */
  missingPrivileges(
    ref: string,
    needs: PrivilegeNeeds,
    signal: AbortSignal,
  ): Promise<readonly string[] | undefined>;
  /** Blocks the VM's power operations for as long as it is open. */
  openExport(vm: SourceVm, transport: Transport, signal: AbortSignal): Promise<Export>;
  readonly snapshots: Snapshots | undefined;
}

/** The disks of one VM, open to be read: a lease, or paths on a datastore. */
export interface Export extends AsyncDisposable {
  readonly transport: Transport;
  readonly disks: readonly ExportedDisk[];
  /** From 0 to 100. The source shows it, and takes silence for death. */
  setProgress(percent: number): void;
  /** Aborts with the reason when the source ended it: the lease expired, the session is gone. */
  readonly lost: AbortSignal;
  /** All was read. Disposing without this says that it was not. */
  complete(signal: AbortSignal): Promise<void>;
}

export interface ExportedDisk {
  /** Of `SourceVmDisk`. */
  readonly key: string;
  readonly feed: DiskFeed;
  /** True where a copy that broke off can go on from where it was. */
  readonly isResumable: boolean;
}

/** For warm migrations: states of a VM that is running, and what changed between two of them. */
export interface Snapshots {
  create(ref: string, name: string, signal: AbortSignal): Promise<string>;
  remove(snapshotRef: string, signal: AbortSignal): Promise<void>;
  /** `changeId` of an earlier state, or `*` for all that is allocated. */
  changedAreas(
    query: {
      readonly vmRef: string;
      readonly snapshotRef: string;
      readonly disk: { readonly key: string; readonly capacityBytes: number };
      readonly changeId: string;
    },
    signal: AbortSignal,
  ): Promise<readonly ChangedArea[]>;
}
