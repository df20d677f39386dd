/**
 * All servers together. The document's three are there by their names, and everybody by id. Where
 * there are many, most are as they were a moment ago: each is written once for each snapshot.
 */
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

/** A JSON object. */
export function writeOverview(fleet: FleetView): string {
  const named = Object.entries(NAMED).map(([key, { role, toJson }]) => {
    const snapshot = fleet.withRole(role);
    return [key, snapshot === undefined ? null : toJson(snapshot)];
  });
  const head = { ...(Object.fromEntries(named) as object), ...countsToJson(fleet) };
  return `${JSON.stringify(head).slice(0, -1)},"servers":${writeList(fleet)}}`;
}

/** A JSON object. */
export function writeServers(fleet: FleetView): string {
  return `{"servers":${writeList(fleet)}}`;
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

function writeList(fleet: FleetView): string {
  return `[${fleet.list().map(writeListed).join(',')}]`;
}

/** A snapshot never changes, and so neither does what is written of it. */
const written = new WeakMap<ServerSnapshot, string>();

function writeListed(snapshot: ServerSnapshot): string {
  const known = written.get(snapshot);
  if (known !== undefined) return known;
  const text = JSON.stringify(listedToJson(snapshot));
  written.set(snapshot, text);
  return text;
}

/** A server in a list of them. */
function listedToJson(snapshot: ServerSnapshot): object {
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
