/**
 * The servers that are watched: those of the configuration, those that were added, or, where there
 * are none of either, this host in all roles.
 */
import { hostname } from 'node:os';
import type { LargestFiles } from '#backends/host/largest-file.ts';
import { SourceFeedOpener } from '#backends/server-sources/source-feed-opener.ts';
import { countAlerts } from '#fleet/count-alerts.ts';
import { Fleet } from '#fleet/fleet.ts';
import { LocalFeed } from '#fleet/local-feed.ts';
import { ServerService } from '#fleet/server-service.ts';
import type { ServerStore } from '#fleet/server-store.ts';
import type { WatchedServer } from '#fleet/server.ts';
import type { FeedOpener } from '#fleet/source-feed.ts';
import type { Clock } from '#kernel/clock.ts';
import { isServerId, type HostId, type ServerId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import type { MachineStore } from '#machines/machine-store.ts';
import type { Entries } from './config-entries.ts';
import { readConfiguredServers } from './configured-servers.ts';
import { createLocalGuests } from './local-guests.ts';
import type { Measuring } from './measuring.ts';
import { loadSecretBox } from './secret-key.ts';

export interface FleetParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly hostId: HostId;
  readonly version: string;
  readonly machines: Pick<MachineStore, 'listByHost'>;
  /** Undefined: nobody looks for them. */
  readonly largestFiles: LargestFiles | undefined;
  readonly intervalMs: number;
  /** The fleet is there before what measures this host, which takes series from it. */
  readonly measuring: () => Measuring | undefined;
}

export interface CreatedFleet {
  readonly fleet: Fleet;
  /** For who asks a source out of turn. */
  readonly opener: FeedOpener;
}

/** Watches nobody until it is told whom. */
export function createFleet(parts: FleetParts): CreatedFleet {
  const { clock, log, hostId, machines, intervalMs, measuring, version, largestFiles } = parts;
  const readings = () => measuring()?.sampler.latest?.readings.machines ?? [];
  const guests = createLocalGuests({ clock, hostId, store: machines, readings });
  const opener = new SourceFeedOpener({
    clock,
    local: (servers) => {
      const measured = measuring();
      if (measured === undefined) throw new Error('this host is not measured yet');
      const { table, sampler } = measured;
      const product = `Drover ${version}`;
      return new LocalFeed(servers, {
        ...{ clock, table, guests, product, intervalMs: sampler.intervalMs },
        measured: (signal) => sampler.sample(signal),
        ...(largestFiles !== undefined && {
          largestFileOf: (mount, fstype) => largestFiles.bytesOf(mount, fstype),
        }),
      });
    },
  });
  const fleet: Fleet = new Fleet({
    ...{ clock, log, opener, intervalMs },
    alerts: () => {
      const { thresholds } = measuring() ?? {};
      const firing = thresholds?.states({ customerId: undefined, kind: 'firing' }) ?? [];
      return countAlerts(firing, localIdsOf(fleet));
    },
  });
  return { fleet, opener };
}

function localIdsOf(fleet: Fleet): readonly ServerId[] {
  return fleet.list().flatMap(({ server: { id, sources } }) => {
    return sources.some(({ kind }) => kind === 'local') ? [id] : [];
  });
}

export interface ServersOptions extends CreatedFleet, Pick<FleetParts, 'clock' | 'log' | 'hostId'> {
  readonly store: ServerStore;
  readonly dataDir: string;
  readonly entries: Entries;
  /** What an entry may refer to instead of holding it; see `Secrets`. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Tells the fleet whom to watch, from now on. */
export async function openServers(options: ServersOptions): Promise<ServerService> {
  const { fleet, opener, clock, log, hostId, store, dataDir, entries, variables } = options;
  const service = new ServerService({
    ...{ fleet, opener, clock, log, store, builtin: builtinServer(hostId) },
    configured: await readConfiguredServers(entries, variables),
    secretBox: await loadSecretBox(dataDir),
  });
  await service.start();
  return service;
}

/** This host, for whoever configured nothing. */
function builtinServer(hostId: HostId): WatchedServer {
  const id = hostId.toLowerCase();
  return {
    id: isServerId(id) ? id : ('this-host' as ServerId),
    name: hostname(),
    roles: ['ai', 'app', 'storage'],
    sources: [{ kind: 'local' }],
    origin: 'builtin',
  };
}
