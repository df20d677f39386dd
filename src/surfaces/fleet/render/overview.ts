/** All servers together. The document's three are there by their names, and everybody by id. */
import type { Fleet, FleetCounts } from '#fleet/fleet.ts';
import type { ServerSnapshot } from '#fleet/server-snapshot.ts';
import { healthToJson, summaryToJson } from './health.ts';
import { sourceToJson } from './parts.ts';
import { toIso } from './units.ts';
import { aiToJson, appToJson, storageToJson } from './views.ts';

export type FleetView = Pick<Fleet, 'list' | 'withRole' | 'counts'>;

/** The three that the document has names for. */
export const NAMED = {
  ai_server: { role: 'ai', toJson: aiToJson },
  app_server: { role: 'app', toJson: appToJson },
  storage_server: { role: 'storage', toJson: storageToJson },
} as const;

export function overviewToJson(fleet: FleetView): object {
  const named = Object.entries(NAMED).map(([key, { role, toJson }]) => {
    const snapshot = fleet.withRole(role);
    return [key, snapshot === undefined ? null : toJson(snapshot)];
  });
  return {
    ...(Object.fromEntries(named) as object),
    ...countsToJson(fleet),
    servers: fleet.list().map(listedToJson),
  };
}

export function fleetSummaryToJson(fleet: FleetView): object {
  const named = Object.entries(NAMED).flatMap(([key, { role }]) => {
    const snapshot = fleet.withRole(role);
    return snapshot === undefined ? [] : [[key, summaryToJson(snapshot, role)]];
  });
  const all = fleet.list().map((each) => [each.server.id, summaryToJson(each, 'any')]);
  return {
    summary: countsToJson(fleet),
    // By name first: an id that is one of the three names stands for that one.
    servers: { ...(Object.fromEntries(all) as object), ...(Object.fromEntries(named) as object) },
  };
}

/** A server in a list of them. */
export function listedToJson(snapshot: ServerSnapshot): object {
  const { server, sources, alerts, revision } = snapshot;
  return {
    ...{ id: server.id, name: server.name, roles: server.roles, origin: server.origin },
    ...healthToJson(snapshot, 'any'),
    ...summaryToJson(snapshot, 'any'),
    sources: sources.map(sourceToJson),
    ...{ alerts, revision },
  };
}

function countsToJson(fleet: FleetView): object {
  const { total, online, alerts }: FleetCounts = fleet.counts();
  const newest = Math.max(...fleet.list().map(({ updatedAt }) => updatedAt ?? -Infinity));
  return {
    last_updated: toIso(Number.isFinite(newest) ? newest : undefined),
    ...{ total_servers: total, online_servers: online, alerts_count: alerts },
  };
}
