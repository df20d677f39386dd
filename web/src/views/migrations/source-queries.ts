/** Where VMs come from: connections, files, and the VMs that are there. */
import { useQueries, useQuery } from '@tanstack/react-query';
import { getJson, sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { listRequest, sourceKey, type Source } from './source.ts';
import type { Connection, SourceVm, Upload } from './wire.ts';

/** A large vCenter takes its time. */
const SOURCE_DEADLINE_MS = 120_000;
const UPLOADS_MS = 10_000;
/** Of so many VMs it is asked what they are made of. */
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

/** Undefined while it is not known from where. */
export function useSourceVms(source: Source | undefined) {
  return useQuery({
    queryKey: [...queryKeys.sourceVms, ...sourceKey(source)],
    queryFn: async ({ signal }) => {
      if (source === undefined) return [];
      const options = { signal, deadlineMs: SOURCE_DEADLINE_MS };
      type Answer = { readonly vms: readonly SourceVm[] };
      return (await sendJson<Answer>('POST', '/vms/list', listRequest(source), options)).vms;
    },
    enabled: source !== undefined,
    staleTime: 30_000,
    // A login that was typed is forgotten with the form.
    ...(source?.kind === 'address' && { gcTime: 0 }),
  });
}

interface VmInfo {
  readonly networks: readonly { readonly network: string }[];
  readonly disks: readonly { readonly label: string; readonly datastore: string | null }[];
}

export interface VmParts {
  readonly networks: readonly string[];
  /** Datastores; of a VM alone also its disks, where there are several. */
  readonly storages: readonly string[];
}

/** What these VMs are made of, each once; undefined while some are not known yet. */
export function useVmParts(source: Source, vms: readonly SourceVm[]): VmParts | undefined {
  return useQueries({
    queries: vms.slice(0, MOST_LOOKED_AT).map(({ path }) => ({
      queryKey: [...queryKeys.sourceVms, ...sourceKey(source), path],
      queryFn: ({ signal }: { readonly signal: AbortSignal }) => {
        const body = { ...listRequest(source), vm_path: path };
        return sendJson<VmInfo>('POST', '/vms/info', body, {
          ...{ signal, deadlineMs: SOURCE_DEADLINE_MS },
        });
      },
      staleTime: 60_000,
    })),
    combine: (results) => {
      if (results.some(({ isPending }) => isPending)) return undefined;
      return partsOf(results.flatMap(({ data }) => data ?? []));
    },
  });
}

function partsOf(vms: readonly VmInfo[]): VmParts {
  const networks = vms.flatMap((vm) => vm.networks.map(({ network }) => network));
  const stores = vms.flatMap((vm) => vm.disks.map(({ datastore }) => datastore ?? ''));
  const [only, ...others] = vms;
  const labels = only !== undefined && others.length === 0 ? only.disks : [];
  const disks = labels.length > 1 ? labels.map(({ label }) => label) : [];
  const unique = (names: readonly string[]) =>
    [...new Set(names)].filter((name) => name !== '').toSorted();
  return { networks: unique(networks), storages: [...unique(stores), ...unique(disks)] };
}
