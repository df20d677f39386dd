/** What the routes of this surface stand on, made once by the composition root. */
import type { Clock } from '#kernel/clock.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { HostRoster } from '#machines/host-roster.ts';
import type { CollectionHealth } from '#metrics/collection-health.ts';
import type { MetricReader } from '#metrics/metric-reader.ts';
import type { ProcessSource } from '#metrics/process-source.ts';
import type { Promql } from '#metrics/promql/promql.ts';
import type { InstanceIdentity } from '#metrics/resource-snapshots.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import type { Sampler } from '#metrics/sampler.ts';
import type { Thresholds } from '#metrics/thresholds/thresholds.ts';
import type { Webhooks } from '#webhooks/open-webhooks.ts';
import type { SnapshotStyle } from './render/resource-snapshot.ts';

export interface VmMetricsParts {
  readonly clock: Clock;
  readonly version: string;
  readonly identity: InstanceIdentity;
  readonly style: SnapshotStyle;
  readonly table: SampleTable;
  readonly sampler: Sampler;
  /** Undefined where no machines run: in an agent. */
  readonly roster: Pick<HostRoster, 'find'> | undefined;
  readonly reader: MetricReader;
  readonly promql: Promql;
  readonly health: CollectionHealth;
  readonly thresholds: Thresholds;
  readonly webhooks: Webhooks;
  readonly processes: ProcessSource;
  /** Of this program itself; `refresh` brings those up to date that are read from elsewhere. */
  readonly metrics: MetricsRegistry;
  readonly refresh: () => Promise<void>;
}
