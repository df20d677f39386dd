/**
 * Everything that measures, keeps what was measured, and tells of it: the part of the server that
 * `drover agent` runs by itself and `drover up` beside the machines.
 *
 *   collectors ─▶ table ─▶ exposition, /get
 *                   │ each tick
 *                   ├─▶ history ─▶ queries
 *                   ├─▶ thresholds ─▶ events ─▶ webhooks
 *                   └─▶ remote write
 */
import type { Clock } from '#kernel/clock.ts';
import type { HostId } from '#kernel/ids.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { Collector } from '#metrics/collector.ts';
import { CollectionHealth } from '#metrics/collection-health.ts';
import type { InstanceIdentity } from '#metrics/resource-snapshots.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { Sampler } from '#metrics/sampler.ts';
import type { Logger } from '#surfaces/edge/logger.ts';
import type { MetricsConfig } from './config-metrics.ts';

export interface MeasuringOptions {
  readonly config: MetricsConfig;
  readonly hostId: HostId;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  /** Beside those of the host. */
  readonly collectors: (table: SampleTable) => readonly Collector[];
}

export interface Measuring extends AsyncDisposable {
  readonly identity: InstanceIdentity;
  readonly table: SampleTable;
  readonly sampler: Sampler;
  readonly health: CollectionHealth;
}

/** How many series there may be: a host with a hundred cores and a hundred machines has 5000. */
const MAX_SERIES = 20_000;

export async function openMeasuring(options: MeasuringOptions): Promise<Measuring> {
  const { config, hostId, clock, log } = options;
  await using stack = new AsyncDisposableStack();
  const identity = { instanceId: config.instanceId ?? hostId, accountId: config.accountId };
  const table = new SampleTable({
    maxSeries: MAX_SERIES,
    onRefused: ({ name }) => {
      log.warn({ metric: name, most: MAX_SERIES }, 'there are too many series; some are left out');
    },
  });
  const isOn = (name: string) => !config.without.includes(name);
  const sampler = stack.use(
    new Sampler({
      ...{ clock, log, table },
      intervalMs: config.intervalMs,
      collectors: options.collectors(table).filter(({ name }) => isOn(name)),
    }),
  );
  const health = new CollectionHealth({
    clock,
    sampler,
    publishing: async () => ({ status: 'ok', lastSuccessMs: undefined, details: '' }),
  });
  sampler.start();
  const closing = stack.move();
  return {
    ...{ identity, table, sampler, health },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
