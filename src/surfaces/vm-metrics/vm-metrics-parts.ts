/** What the routes of this surface stand on, made once by the composition root. */
import type { CollectionHealth } from '#metrics/collection-health.ts';
import type { InstanceIdentity } from '#metrics/resource-snapshots.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import type { Sampler } from '#metrics/sampler.ts';
import type { Clock } from '#kernel/clock.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { SnapshotStyle } from './render/resource-snapshot.ts';

export interface VmMetricsParts {
  readonly clock: Clock;
  readonly version: string;
  readonly identity: InstanceIdentity;
  readonly style: SnapshotStyle;
  readonly table: SampleTable;
  readonly sampler: Sampler;
  readonly health: CollectionHealth;
  /** Of this program itself; `refresh` brings those up to date that are read from elsewhere. */
  readonly metrics: MetricsRegistry;
  readonly refresh: () => Promise<void>;
}
