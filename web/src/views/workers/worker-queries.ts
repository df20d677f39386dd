/** The pool, the apps and their logs. */
import { useQuery } from '@tanstack/react-query';
import { getJson, request } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';

export interface Worker {
  readonly id: string;
  readonly app: string;
  readonly state: 'creating' | 'ready' | 'active' | 'idle' | 'terminated';
  readonly requests: number;
  /** In seconds. */
  readonly uptime: number;
  readonly memory: {
    readonly rss: number;
    readonly heapUsed: number;
    /** Null: the others were not read yet. */
    readonly source: string | null;
  };
  readonly kind: 'process' | 'thread';
  readonly pid: number | null;
  readonly inFlight: number;
  readonly draining: boolean;
  /** Of its event loop, from 0 to 1. */
  readonly utilization: number | null;
  readonly endReason: string | null;
}

export interface PoolStats {
  readonly pool: {
    readonly size: number;
    readonly active: number;
    readonly idle: number;
    readonly creating: number;
    readonly total: number;
    readonly utilization: number;
  };
  readonly workers: readonly Worker[];
}

interface VersionWorkers {
  readonly active: number;
  readonly idle: number;
  readonly creating: number;
  readonly in_flight: number;
  readonly queued: number;
  readonly requests: number;
  readonly failing: string | null;
}

export interface AppVersion {
  readonly version: string;
  readonly current: boolean;
  readonly deployed_at: string;
  readonly size_bytes: number;
  readonly file_count: number;
  /** Null: it is made of files alone. */
  readonly workers: VersionWorkers | null;
}

export interface App {
  readonly name: string;
  readonly current: string;
  readonly url: string;
  readonly access: string;
  readonly failing: string | null;
  readonly workers: Pick<VersionWorkers, 'active' | 'idle' | 'creating'>;
  readonly versions: readonly AppVersion[];
}

export interface LogLine {
  readonly at: string;
  readonly version: string;
  readonly stream: 'stdout' | 'stderr' | 'drover';
  readonly line: string;
}

export const APPS_PATH = '/api/v1/apps';
const EVERY_MS = 2000;
const LOG_LINES = 300;

export function usePool() {
  return useQuery({
    queryKey: queryKeys.workerPool,
    queryFn: ({ signal }) => getJson<PoolStats>('/metrics/api/metrics/stats', { signal }),
    refetchInterval: EVERY_MS,
  });
}

export function useApps() {
  return useQuery({
    queryKey: queryKeys.apps,
    queryFn: ({ signal }) => getJson<{ readonly apps: readonly App[] }>(APPS_PATH, { signal }),
    refetchInterval: EVERY_MS,
  });
}

export function appPath(name: string): string {
  return `${APPS_PATH}/${encodeURIComponent(name)}`;
}

export function useAppLog(name: string) {
  return useQuery({
    queryKey: queryKeys.appLog(name),
    queryFn: async ({ signal }) => {
      const query = { lines: String(LOG_LINES) };
      const answer = await request(`${appPath(name)}/logs`, {}, { query, signal });
      return parseLog(await answer.text());
    },
    refetchInterval: EVERY_MS,
  });
}

/** A line of JSON each. */
function parseLog(text: string): readonly LogLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}
