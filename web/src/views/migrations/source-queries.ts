/** Where VMs come from: connections, files, and the VMs that are there. */
import { useQueries, useQuery } from '@tanstack/react-query';
import { getJson, sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { listRequest, type SourceChoice } from './draft.ts';
import type { Connection, SourceVm, Upload } from './wire.ts';

/** A large vCenter takes its time. */
const SOURCE_DEADLINE_MS = 120_000;
const UPLOADS_MS = 10_000;
/** Of so many VMs the networks are asked for. */
export const MOST_LOOKED_AT = 20;

export function useConnections() {
  return useQuery({
    queryKey: queryKeys.connections,
    queryFn: ({ signal }) =>
      getJson<{ readonly connections: readonly Connection[] }>('/connections', { signal }),
  });
}

export function useUploads() {
  return useQuery({
    queryKey: queryKeys.uploads,
    queryFn: ({ signal }) =>
      getJson<{ readonly uploads: readonly Upload[] }>('/uploads', { signal }),
    refetchInterval: UPLOADS_MS,
  });
}

export function useSourceVms(choice: SourceChoice) {
  return useQuery({
    queryKey: [...queryKeys.sourceVms, choice],
    queryFn: async ({ signal }) => {
      const options = { signal, deadlineMs: SOURCE_DEADLINE_MS };
      type Answer = { readonly vms: readonly SourceVm[] };
      return (await sendJson<Answer>('POST', '/vms/list', listRequest(choice), options)).vms;
    },
    enabled: choice !== '',
    staleTime: 30_000,
  });
}

interface VmInfo {
  readonly networks: readonly { readonly network: string }[];
}

/** The networks of these VMs, each once; undefined while some are not known yet. */
export function useNetworks(
  choice: SourceChoice,
  vms: readonly SourceVm[],
): readonly string[] | undefined {
  return useQueries({
    queries: vms.slice(0, MOST_LOOKED_AT).map(({ path }) => ({
      queryKey: [...queryKeys.sourceVms, choice, path],
      queryFn: ({ signal }: { readonly signal: AbortSignal }) => {
        const body = { ...listRequest(choice), vm_path: path };
        return sendJson<VmInfo>('POST', '/vms/info', body, {
          ...{ signal, deadlineMs: SOURCE_DEADLINE_MS },
        });
      },
      staleTime: 60_000,
    })),
    combine: (results) => {
      if (results.some(({ isPending }) => isPending)) return undefined;
      const names = results.flatMap(
        ({ data }) => data?.networks.map(({ network }) => network) ?? [],
      );
      return [...new Set(names)].toSorted();
    },
  });
}
