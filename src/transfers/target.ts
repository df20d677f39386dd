/**
 * Where VMs go: libvirt, Drover itself, or a folder. The pipeline calls these in order, and any of
 * them again after a crash: each finds what an earlier call left and goes on from there.
 */
import type { DiskFormat } from '#disks/disk-writer.ts';
import type { RateLimiter } from '#disks/rate-limiter.ts';
import type { Finding } from './finding.ts';
import type { DiskBus, SourceVm } from './source-vm.ts';

/** The VM as it is to be at the target. */
export interface TargetVm {
  readonly name: string;
  /** Of the job: marks what belongs to it, so that a second attempt knows its own. */
  readonly owner: string;
  readonly uuid: string | undefined;
  readonly cpus: number;
  readonly coresPerSocket: number | undefined;
  readonly memoryMib: number;
  readonly firmware: 'bios' | 'efi';
  readonly isSecureBoot: boolean;
  readonly hasTpm: boolean;
  /** In the order in which the guest is to find them; the first is booted. */
  readonly disks: readonly TargetDisk[];
  readonly nics: readonly TargetNic[];
  readonly guestId: string | undefined;
  /** How the source calls it, for people. */
  readonly origin?: string | undefined;
}

export interface TargetDisk {
  readonly key: string;
  readonly capacityBytes: number;
  readonly format: DiskFormat;
  /** `virtio` once the guest has the drivers for it. */
  readonly bus: DiskBus | 'virtio';
  /** What the storage mapping says; undefined: the target's default. */
  readonly storage: string | undefined;
}

export interface TargetNic {
  readonly mac: string;
  /** What the network mapping says. */
  readonly network: string;
  readonly model: 'virtio' | 'e1000e' | 'e1000';
  readonly isConnected: boolean;
}

/** A place for one disk: a file here that the copy writes, and what becomes of it later. */
export interface DiskPlace {
  readonly key: string;
  readonly path: string;
  /** Whether what is written there goes on, over a network or through libvirt, by `sendDisks`. */
  readonly isSentOn?: boolean | undefined;
  /** Of what was written there, once that was checked. */
  readonly contentDigest?: string | undefined;
}

export interface DefinedVm {
  /** How the target calls it: a UUID, a machine id, a folder. */
  readonly ref: string;
  /** For people, and for the result of the job. */
  readonly summary: Readonly<Record<string, unknown>>;
}

/** Of images that go over a network once they are written. */
export interface Sending {
  /** Before the first byte: how long the image of each disk is, by key. */
  readonly begin: (lengths: ReadonlyMap<string, number>) => void;
  readonly advance: (key: string, doneBytes: number) => void;
  /** Is asked for whatever goes over the wire. */
  readonly limiter: RateLimiter;
}

export interface Target extends AsyncDisposable {
  readonly kind: 'kvm' | 'drover' | 'file';
  /** Changes nothing. */
  check(vm: TargetVm, source: SourceVm, signal: AbortSignal): Promise<readonly Finding[]>;
  /** Where each disk is to be written; makes the folders, not the files. */
  placeDisks(vm: TargetVm, signal: AbortSignal): Promise<readonly DiskPlace[]>;
  /**
   * Where some targets are far away: sends what is written and checked, or the rest of it. Begins
   * nothing where there is nothing to be sent.
   */
  sendDisks?(
    vm: TargetVm,
    places: readonly DiskPlace[],
    sending: Sending,
    signal: AbortSignal,
  ): Promise<void>;
  /** The files are written and checked: make them the target's own, wherever they must go. */
  adoptDisks(vm: TargetVm, places: readonly DiskPlace[], signal: AbortSignal): Promise<void>;
  define(vm: TargetVm, places: readonly DiskPlace[], signal: AbortSignal): Promise<DefinedVm>;
  start(ref: string, signal: AbortSignal): Promise<void>;
  /** Resolves when the guest shows signs of life; throws `deadline_exceeded` when it does not. */
  awaitBoot(ref: string, timeoutMs: number, signal: AbortSignal): Promise<string>;
  /** Removes what belongs to `vm.owner` and says what that was. Harmless when there is nothing. */
  remove(vm: TargetVm, signal: AbortSignal): Promise<readonly string[]>;
}
