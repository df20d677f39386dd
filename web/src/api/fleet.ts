/** The servers that are watched, as `/api/servers` tells them and `/ws/metrics` goes on telling. */
import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { getJson } from './http.ts';
import type { LiveState } from './live-socket.ts';
import { queryKeys } from './query-keys.ts';
import type { ServerListed, ServerWhole } from './server-shapes.ts';
import { useLiveSocket } from './use-live-socket.ts';

/** While nothing is told by itself. */
const POLL_MS = 5000;
/** Values that are told by themselves are looked at again all the same. */
const LIVE_POLL_MS = 60_000;
const OVERVIEW = 'overview';

export interface ServerList {
  readonly servers: readonly ServerListed[];
}

export function useServers({ live = false, enabled = true }: LiveOptions = {}) {
  return useQuery({
    queryKey: queryKeys.servers,
    queryFn: ({ signal }) => getJson<ServerList>('/api/servers', { signal }),
    refetchInterval: live ? LIVE_POLL_MS : POLL_MS,
    enabled,
  });
}

/** The one that is this host: what names no server is about it. */
export function hostServerOf(servers: readonly ServerListed[]): string | undefined {
  return servers.find(({ sources }) => sources.some(({ kind }) => kind === 'local'))?.id;
}

interface LiveOptions {
  readonly live?: boolean;
  readonly enabled?: boolean;
}

export function useServer(id: string, { live = false }: LiveOptions = {}) {
  return useQuery({
    queryKey: queryKeys.server(id),
    queryFn: ({ signal }) => getJson<ServerWhole>(serverPath(id), { signal }),
    refetchInterval: live ? LIVE_POLL_MS : POLL_MS,
  });
}

/** Follows one server, or all of them in short, for as long as it is shown. */
export function useFleetLive(id: string = OVERVIEW): LiveState {
  const client = useQueryClient();
  return useLiveSocket({
    path: `/ws/metrics?servers=${encodeURIComponent(id)}`,
    onMessage: (message) => takeUpdate(client, message),
  });
}

function serverPath(id: string): string {
  return `/api/servers/${encodeURIComponent(id)}/`;
}

function takeUpdate(client: QueryClient, message: unknown): void {
  const { event_type: kind, server_type: topic, data } = message as FleetMessage;
  if (kind !== 'metrics_update' || topic === undefined || data === undefined) return;
  const key = topic === OVERVIEW ? queryKeys.servers : queryKeys.server(topic);
  client.setQueryData(key, topic === OVERVIEW ? { servers: data.servers } : data);
}

interface FleetMessage {
  readonly event_type?: string;
  readonly server_type?: string;
  readonly data?: Partial<ServerList>;
}
