/** What the settings of the servers that are watched come to. */
import { parseServers } from '#fleet/parse-server.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { Entries } from './config-entries.ts';
import type { ConfigReader } from './config-reader.ts';
import { SETTINGS } from './config-settings.ts';

export interface FleetConfig {
  readonly intervalMs: number;
  readonly maxSockets: number;
  /** Whether to look for the largest file of each filesystem of this host. */
  readonly largestFile: boolean;
  /** Checked; they may hold secrets, or say where they are. */
  readonly servers: Entries;
}

/** Stands for a secret that is elsewhere, and is right for every kind of source. */
const SOME_SECRET = 'user@realm!token=secret';

export function readFleet(reader: ConfigReader): FleetConfig {
  const intervalMs = reader.read(SETTINGS.fleetInterval);
  const maxSockets = reader.read(SETTINGS.fleetMaxSockets);
  const largestFile = reader.read(SETTINGS.fleetLargestFile);
  const servers = reader.read(SETTINGS.servers);
  try {
    parseServers(servers.map(standInForSecrets), SETTINGS.servers.key);
  } catch (thrown) {
    const { kind, message } = toDroverError(thrown);
    if (kind !== 'invalid_argument') throw thrown;
    reader.refuse(SETTINGS.servers, message.replace(/^[^:]*: /, ''));
  }
  return { intervalMs, maxSockets, largestFile, servers };
}

/** Files are read when the server starts, and not by who only looks at the settings. */
function standInForSecrets(entry: Entries[number]): object {
  const { sources } = entry;
  if (!Array.isArray(sources)) return entry;
  return {
    ...entry,
    sources: sources.map((source: unknown) => {
      if (typeof source !== 'object' || source === null || !('secret' in source)) return source;
      const isElsewhere = typeof source.secret === 'object' && source.secret !== null;
      return isElsewhere ? { ...source, secret: SOME_SECRET } : source;
    }),
  };
}
