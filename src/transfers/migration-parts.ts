/** What a migration stands on. */
import type { JobContext } from '#jobs/job-handler.ts';
import type { Clock } from '#kernel/clock.ts';
import type { BandwidthShare } from './bandwidth-share.ts';
import type { DiskCopier } from './disk-copier.ts';
import type { GuestPreparer } from './guest-preparer.ts';
import type { DestinationSpec, SourceSpec } from './migration-spec.ts';
import type { Source } from './source.ts';
import type { Target } from './target.ts';

/** Knows the named connections and what the process was configured with. */
export interface Sources {
  open(
    spec: SourceSpec,
    secrets: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Source>;
}

/** What a target is opened with. */
export interface TargetJob {
  readonly secrets: Readonly<Record<string, string>>;
  readonly log: JobContext['log'];
  /** Says what it is at, where a step takes long. */
  readonly step: (message: string) => void;
}

export interface Targets {
  open(spec: DestinationSpec, job: TargetJob, signal: AbortSignal): Promise<Target>;
}

export interface MigrationParts {
  readonly clock: Clock;
  readonly sources: Sources;
  readonly targets: Targets;
  readonly copier: DiskCopier;
  readonly preparer: GuestPreparer;
  readonly bandwidth: BandwidthShare;
}
