/**
 * What measures this host and what watches servers. Each needs the other: the series of servers are
 * measured here too, and this host is one of the servers.
 */
import packageJson from '#package.json' with { type: 'json' };
import { LargestFiles } from '#backends/host/largest-file.ts';
import type { Fleet } from '#fleet/fleet.ts';
import { MOST_SERVER_SERIES, ServerCollector } from '#fleet/server-collector.ts';
import type { ServerService } from '#fleet/server-service.ts';
import type { Collector } from '#metrics/collector.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import type { ParsedConfig } from './config.ts';
import { createFleet, openServers } from './fleet.ts';
import { openMeasuring, type Measuring, type MeasuringOptions } from './measuring.ts';

export interface WatchingOptions extends Omit<
  MeasuringOptions,
  'config' | 'dataDir' | 'version' | 'moreSeries' | 'sharedServers'
> {
  readonly loaded: Pick<ParsedConfig, 'config' | 'secrets'>;
}

export interface Watching extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly servers: ServerService;
  readonly measuring: Measuring;
}

export async function openWatching({ loaded, ...options }: WatchingOptions): Promise<Watching> {
  const { config, secrets } = loaded;
  const { dataDir } = config;
  const { hostId, clock, log, stores } = options;
  const { version } = packageJson;
  await using stack = new AsyncDisposableStack();
  const largestFiles = config.fleet.largestFile
    ? stack.use(new LargestFiles({ clock, log }))
    : undefined;
  const here: { measuring?: Measuring } = {};
  const created = createFleet({
    ...{ clock, log, hostId, version, machines: stores.machines, largestFiles },
    intervalMs: config.fleet.intervalMs,
    measuring: () => here.measuring,
  });
  const fleet = stack.use(created.fleet);
  const collectors = (table: SampleTable): readonly Collector[] => [
    ...options.collectors(table),
    new ServerCollector({
      ...{ fleet, table },
      onFull: (most) => log.warn({ most }, 'servers have too many series; some are left out'),
    }),
  ];
  const measuring = stack.use(
    await openMeasuring({
      ...{ ...options, collectors, dataDir, version },
      ...{ config: config.metrics, moreSeries: MOST_SERVER_SERIES },
      sharedServers: () => fleet.remote,
    }),
  );
  here.measuring = measuring;
  const servers = stack.use(
    await openServers({
      ...{ ...created, clock, log, hostId, dataDir, store: stores.servers },
      ...{ entries: config.fleet.servers, variables: secrets.named },
    }),
  );
  const closing = stack.move();
  return { fleet, servers, measuring, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}
