/**
 * Everything that measures, keeps what was measured, and tells of it: the part of the server that
 * `drover agent` runs by itself and `drover up` beside the machines.
 *
 *   collectors ─▶ table ─▶ exposition, /get
 *                   │ each tick
 *                   ├─▶ history ─▶ queries
 *                   ├─▶ thresholds ─┐
 *                   ├─▶ snapshots ──┴▶ events ─▶ webhooks
 *                   └─▶ remote write
 */
import { join } from 'node:path';
import {
  createExtraHostCollectors,
  EXTRA_COLLECTOR_NAMES,
} from '#backends/host/create-extra-host-collectors.ts';
import {
  createHostCollectors,
  HOST_COLLECTOR_NAMES,
} from '#backends/host/create-host-collectors.ts';
import { ProcessTable } from '#backends/host/process-table.ts';
import type { EventSignal } from '#events/event-signal.ts';
import type { Clock } from '#kernel/clock.ts';
import { invalidArgument } from '#kernel/errors.ts';
import type { HostId } from '#kernel/ids.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { didYouMean } from '#kernel/nearest.ts';
import type { Collector } from '#metrics/collector.ts';
import { CollectionHealth } from '#metrics/collection-health.ts';
import type { Promql } from '#metrics/promql/promql.ts';
import { openHistory } from '#metrics/history/open-history.ts';
import type { History } from '#metrics/history/history.ts';
import { createLabels } from '#metrics/labels.ts';
import type { InstanceIdentity } from '#metrics/resource-snapshots.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { Sampler } from '#metrics/sampler.ts';
import { SnapshotPublisher } from '#metrics/snapshot-publisher.ts';
import { parseRules } from '#metrics/thresholds/config-rules.ts';
import { DEFAULT_RULES } from '#metrics/thresholds/default-rules.ts';
import { openThresholds, type Thresholds } from '#metrics/thresholds/thresholds.ts';
import type { Stores } from '#stores/create-stores.ts';
import type { Logger } from '#surfaces/edge/logger.ts';
import type { Webhooks } from '#webhooks/open-webhooks.ts';
import type { WebhookFormat } from '#webhooks/webhook-format.ts';
import type { BeginRequest } from '#workers/ask-worker.ts';
import type { MetricsConfig } from './config-metrics.ts';
import { openConfiguredRemoteWrite } from './configured-remote-write.ts';
import { openConfiguredWebhooks } from './configured-webhooks.ts';
import { createLazyPromql } from './lazy-promql.ts';
import { promqlToInstantQuery } from './promql-instant-query.ts';
import { publishingHealth } from './publishing-health.ts';

export interface MeasuringOptions {
  readonly config: MetricsConfig;
  readonly dataDir: string;
  readonly hostId: HostId;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly stores: Stores;
  readonly eventSignal: EventSignal;
  readonly version: string;
  /** Beside those of the host. */
  readonly collectors: (table: SampleTable) => readonly Collector[];
  /** How many there may be beside those of this host. */
  readonly moreSeries?: number;
  /** Of which one process of the database tells for all; see `SharedServers`. */
  readonly sharedServers?: () => readonly string[] | undefined;
  /** Of webhooks of other surfaces that this process serves. */
  readonly formats?: readonly WebhookFormat[];
  /** Where events go that apps listen to; undefined where there are no apps. */
  readonly apps?: {
    readonly format: WebhookFormat;
    readonly begin: (name: string) => BeginRequest;
  };
}

export interface Measuring extends AsyncDisposable {
  readonly identity: InstanceIdentity;
  readonly table: SampleTable;
  readonly sampler: Sampler;
  readonly health: CollectionHealth;
  readonly history: History;
  readonly promql: Promql;
  readonly thresholds: Thresholds;
  readonly webhooks: Webhooks;
  readonly processes: ProcessTable;
}

/** Of this host: one with a hundred cores and a hundred machines has 5000. */
const HOST_SERIES = 20_000;
const PROC = '/proc';
const SYS = '/sys';

export async function openMeasuring(options: MeasuringOptions): Promise<Measuring> {
  const { config, hostId, clock, log, metrics, stores, sharedServers } = options;
  await using stack = new AsyncDisposableStack();
  const identity = { instanceId: config.instanceId ?? hostId, accountId: config.accountId };
  const commonLabels = createLabels([
    ['instance', identity.instanceId],
    ['job', config.job],
  ]);
  const table = createTable(options);
  // What listens to samples stands before the sampler, so that it is closed after it.
  const history = stack.use(await openConfiguredHistory(options, commonLabels));
  const promql = createLazyPromql({ reader: history.reader, clock });
  const webhooks = stack.use(await openConfiguredWebhooks(options));
  const thresholds = stack.use(
    await openThresholds({
      ...{ table, clock, log, metrics, identity },
      ...{ store: stores.rules, silences: stores.rules },
      defaults: DEFAULT_RULES,
      configRules: parseRules(config.rules),
      query: promqlToInstantQuery(promql),
      ...(sharedServers !== undefined && {
        shared: { store: stores.tellers, holder: hostId, servers: sharedServers },
      }),
    }),
  );
  const remoteWrite = await openConfiguredRemoteWrite(options, commonLabels);
  if (remoteWrite !== undefined) stack.use(remoteWrite);
  const snapshots = new SnapshotPublisher({
    ...{ identity, log },
    intervalMs: config.webhooks.metricsIntervalMs,
    isWanted: (subject) => webhooks.wantsSamplesOf(subject),
    record: (atMs, events) => stores.events.append(atMs, events),
  });
  stack.defer(() => snapshots.idle());
  const sampler = stack.use(createSampler(options, table));
  sampler.onTick((tick) => history.append(tick, table));
  sampler.onTick((tick) => thresholds.onTick(tick));
  sampler.onTick((tick) => remoteWrite?.onTick(tick, table));
  sampler.onTick((tick) => snapshots.onTick(tick));
  const health = new CollectionHealth({
    clock,
    sampler,
    publishing: () => publishingHealth(webhooks, remoteWrite),
  });
  const processes = new ProcessTable({ procRoot: PROC, clock });
  sampler.start();
  const closing = stack.move();
  return {
    ...{ identity, table, sampler, health, history, promql, thresholds, webhooks, processes },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

function createTable(options: MeasuringOptions): SampleTable {
  const maxSeries = maxSeriesOf(options);
  return new SampleTable({
    maxSeries,
    onRefused: ({ name }) => {
      const found = { metric: name, most: maxSeries };
      options.log.warn(found, 'there are too many series; some are left out');
    },
  });
}

function maxSeriesOf({ moreSeries = 0 }: MeasuringOptions): number {
  return HOST_SERIES + moreSeries;
}

function createSampler(
  { config, clock, log, collectors }: MeasuringOptions,
  table: SampleTable,
): Sampler {
  const { without, perCore, intervalMs } = config;
  const others = collectors(table);
  const known = [...HOST_COLLECTOR_NAMES, ...EXTRA_COLLECTOR_NAMES, ...others.map(nameOf)];
  const unknown = without.find((name) => !known.some((each) => each === name));
  if (unknown !== undefined) {
    const hint = didYouMean(unknown, known) || `; known: ${known.toSorted().join(', ')}`;
    throw invalidArgument('metrics.without', `there is no collector ${unknown}${hint}`);
  }
  const enabled = (name: string) => !without.includes(name);
  const common = { table, clock, enabled, procRoot: PROC, sysRoot: SYS };
  return new Sampler({
    ...{ clock, log, table, intervalMs },
    collectors: [
      ...createHostCollectors({ ...common, perCore }),
      ...createExtraHostCollectors({ ...common, log }),
      ...others.filter(({ name }) => enabled(name)),
    ],
  });
}

const nameOf = ({ name }: Collector) => name;

async function openConfiguredHistory(
  options: MeasuringOptions,
  commonLabels: Readonly<Record<string, string>>,
): Promise<History> {
  const { config, dataDir, hostId, clock, log, metrics, stores } = options;
  const { rawMs, minutesMs, quartersMs, maxBytes } = config.history;
  return await openHistory({
    ...{ hostId, clock, log, metrics, commonLabels },
    directory: join(dataDir, 'metrics'),
    store: stores.metrics,
    maxSeries: maxSeriesOf(options),
    retention: { rawMs, minuteMs: minutesMs, quarterHourMs: quartersMs, maxBytes },
  });
}
