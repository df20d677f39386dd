/**
 * The port to whatever runs guests. QEMU implements it first; a second implementation must be
 * able to follow without a change to the core, so differences are named as capabilities.
 *
 * Rules every implementation keeps, and the contract suite checks:
 *  - `launch`, `adopt`, `discard` are idempotent: they look at what is there before they act.
 *  - A guest outlives the process that launched it. `adopt` finds it again from the record, or,
 *    when the record was never written, from what the implementation left in its own directory.
 *  - No call waits without bound: each obeys its signal and has a deadline of its own.
 */
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import type { NicAttachment } from './host-network.ts';
import type { MachineSpec } from './machine-spec.ts';

/** How to find a guest's process again. JSON; stored with the machine. */
export interface ProcessRecord {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: tells this process from a later one with the same pid. */
  readonly startTicks: number;
  readonly socketPath: string;
  /** The exact command line that was started. */
  readonly argv: readonly string[];
}

export interface LaunchRequest {
  readonly machineId: MachineId;
  readonly customerId: CustomerId;
  readonly spec: MachineSpec;
  readonly nics: readonly NicAttachment[];
}

/** Why a guest's process ended. */
export interface GuestExit {
  readonly reason:
    | 'guest-poweroff'
    | 'guest-panic'
    | 'guest-reset'
    | 'killed'
    /** Ended by somebody else, or by itself. */
    | 'process-died'
    /** Gone when nobody was watching. */
    | 'unknown';
  readonly message: string;
}

export interface GuestStats {
  readonly cpuTimeNanos: number;
  /** Over the interval since the sample before; undefined for the first. 100 = one full core. */
  readonly cpuPercent: number | undefined;
  readonly memoryBytes: number;
  readonly diskReadBytes: number;
  readonly diskWriteBytes: number;
  readonly diskReadOps: number;
  readonly diskWriteOps: number;
  /** As the guest sees it: rx is what it received. Undefined where nobody counts it. */
  readonly netRxBytes: number | undefined;
  readonly netTxBytes: number | undefined;
  readonly netRxPackets: number | undefined;
  readonly netTxPackets: number | undefined;
  readonly sampledAt: number;
}

export type GuestSignal = 'power-button' | 'guest-agent' | 'ctrl-alt-del';

export interface RunningGuest extends AsyncDisposable {
  readonly record: ProcessRecord;
  /** Resolves once, when the process is gone; never rejects. */
  readonly exited: Promise<GuestExit>;
  /** Called when the guest resets itself within the same process. */
  onReset(call: () => void): void;
  status(signal: AbortSignal): Promise<'running' | 'paused'>;
  pause(signal: AbortSignal): Promise<void>;
  resume(signal: AbortSignal): Promise<void>;
  reset(signal: AbortSignal): Promise<void>;
  /** Asks the guest to shut down, by whatever way reaches it, and says which way that was. */
  askToPowerOff(signal: AbortSignal): Promise<GuestSignal>;
  /** Ends the process and returns when it is gone. */
  kill(signal: AbortSignal): Promise<void>;
  /** One cheap pass; never waits on a command in progress. */
  stats(signal: AbortSignal): Promise<GuestStats>;
  /** Disposing lets go of the guest; it runs on. */
}

export interface ConsoleChunk {
  /** Where `data` begins, counted from the first byte the machine ever printed. */
  readonly offset: number;
  readonly data: Uint8Array;
  /** Ask for this next. */
  readonly nextOffset: number;
  /** Bytes between what was asked for and `offset` have been rotated away. */
  readonly isTruncated: boolean;
}

export interface ConsoleLog {
  /** A negative offset counts back from the end. */
  read(offset: number, maxBytes: number): Promise<ConsoleChunk>;
  /** Resolves when there may be more than the last read saw; rejects when the signal aborts. */
  changed(signal: AbortSignal): Promise<void>;
}

/** A disk image as found on this host. */
export interface DiskImage {
  readonly realPath: string;
  readonly format: 'raw' | 'qcow2';
  readonly sizeBytes: number;
  /** It lies in the customer's own folder, so nobody else can name it. */
  readonly isOwn: boolean;
}

export interface HypervisorCapabilities {
  readonly supportsPause: boolean;
  readonly supportsPowerButton: boolean;
  readonly supportsFirmwareBoot: boolean;
  readonly supportsSnapshot: boolean;
  readonly supportsHotplug: boolean;
}

export interface HypervisorHealth {
  readonly isHealthy: boolean;
  readonly message: string;
}

export interface Hypervisor {
  /** `qemu`; what backend_info calls the backend type. */
  readonly kind: string;
  readonly capabilities: HypervisorCapabilities;
  health(signal: AbortSignal): Promise<HypervisorHealth>;
  /** Starts the guest, or finds it running, and returns when its processors run. */
  launch(request: LaunchRequest, signal: AbortSignal): Promise<RunningGuest>;
  /** The guest if its process lives and answers, else undefined. */
  adopt(
    machineId: MachineId,
    record: ProcessRecord | undefined,
    signal: AbortSignal,
  ): Promise<RunningGuest | undefined>;
  console(machineId: MachineId): ConsoleLog;
  /** Removes everything the machine left on this host. Throws if anything stays behind. */
  discard(machineId: MachineId, signal: AbortSignal): Promise<void>;
  /** Machines this host still holds something of, for finding what was left behind. */
  leftovers(signal: AbortSignal): Promise<readonly MachineId[]>;
}

/**
 * Resolves the paths in a request against the image directories of this host. What lies under
 * `customers/<id>/` in one of them can be named by that customer alone; the rest is shared.
 */
export interface ImageCatalog {
  /** `field` is named in the refusal when the path leads outside, or nowhere. */
  resolveFile(field: string, path: string, customerId: CustomerId): Promise<string>;
  resolveDisk(field: string, path: string, customerId: CustomerId): Promise<DiskImage>;
}
