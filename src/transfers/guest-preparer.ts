/** Gives a guest that was copied what it needs to run on KVM: drivers for virtio, a boot loader. */
import type { LogLevel } from '#jobs/job-log.ts';
import type { Finding } from './finding.ts';
import type { DiskPlace, TargetVm } from './target.ts';

export interface Preparation {
  /** Whether the guest finds disks and networks on virtio. */
  readonly hasVirtio: boolean;
  readonly findings: readonly Finding[];
}

export interface PreparerCall {
  readonly signal: AbortSignal;
  readonly log: (level: LogLevel, text: string) => void;
}

export interface GuestPreparer {
  /**
   * Changes the images, or leaves them as they were and says why. Whoever calls it again after a
   * crash gets the same answer, until `settle`.
   */
  prepare(vm: TargetVm, places: readonly DiskPlace[], call: PreparerCall): Promise<Preparation>;
  /** Removes what lies beside the images for the sake of a crash. */
  settle(places: readonly DiskPlace[]): Promise<void>;
}
