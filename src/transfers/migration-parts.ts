/** What a migration stands on. */
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

export interface Targets {
  open(spec: DestinationSpec, signal: AbortSignal): Promise<Target>;
}

export interface MigrationParts {
  readonly clock: Clock;
  readonly sources: Sources;
  readonly targets: Targets;
  readonly copier: DiskCopier;
  readonly preparer: GuestPreparer;
  readonly bandwidth: BandwidthShare;
}
