/** What the views of machines ask for. */
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { VmService, type ListVmsResponse, type VmInfo } from '#gen/vmprovisioner/v1/vm_pb.js';
import { readHistory, type History } from '#web/api/history.ts';
import { getJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { callRpc } from '#web/api/rpc.ts';
import { spanOf, type Span, type TimeRange } from '#web/format/time-range.ts';
import type { Load } from './machine-rows.ts';

const PAGE_SIZE = 1000;
/** So many are loaded by themselves; older ones when somebody asks for them. */
const MOST_BY_THEMSELVES = 5000;
/** Events tell of changes at once; this is for what nobody told. */
const SELDOM_MS = 30_000;
const NOW_MS = 5000;
const HISTORY_MS = 10_000;

export async function listMachines(
  pageToken: string,
  signal?: AbortSignal,
): Promise<ListVmsResponse> {
  return await callRpc(VmService.method.listVms, { pageSize: PAGE_SIZE, pageToken }, { signal });
}

export function useMachines() {
  const query = useInfiniteQuery({
    queryKey: queryKeys.machineList,
    queryFn: ({ pageParam, signal }) => listMachines(pageParam, signal),
    initialPageParam: '',
    getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken),
    select: joinPages,
    refetchInterval: SELDOM_MS,
  });
  const { data, hasNextPage, isFetching, fetchNextPage } = query;
  const loaded = data?.machines.length ?? 0;
  const wantsMore = hasNextPage && !isFetching && loaded < MOST_BY_THEMSELVES;
  useEffect(() => {
    if (wantsMore) void fetchNextPage();
  }, [wantsMore, fetchNextPage]);
  return query;
}

/** Outside, so that it is done once for each answer. */
function joinPages({ pages }: { readonly pages: readonly ListVmsResponse[] }): MachinePages {
  return {
    machines: pages.flatMap(({ vms }) => vms),
    total: pages.at(-1)?.totalCount ?? 0,
  };
}

export interface MachinePages {
  readonly machines: readonly VmInfo[];
  /** Of all, also those that are not loaded. */
  readonly total: number;
}

interface InstantAnswer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [seconds: number, value: string];
    }[];
  };
}

/** How much each machine uses, as it was measured last: of one, or of all. */
export function useLoads(id?: string) {
  return useQuery({
    queryKey: [...queryKeys.machineLoad, id ?? ''],
    queryFn: async ({ signal }): Promise<ReadonlyMap<string, Load>> => {
      const which = id === undefined ? '' : `{machine_id="${id}"}`;
      const [cpu, memory] = await Promise.all([
        readNow(`drover_machine_cpu_usage_percent${which}`, signal),
        readNow(`drover_machine_memory_used_percent${which}`, signal),
      ]);
      const ids = new Set([...cpu.keys(), ...memory.keys()]);
      return new Map(
        [...ids].map((id) => [id, { cpu: cpu.get(id) ?? null, memory: memory.get(id) ?? null }]),
      );
    },
    refetchInterval: NOW_MS,
  });
}

async function readNow(query: string, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const answer = await getJson<InstantAnswer>('/api/v1/query', { query: { query }, signal });
  return new Map(
    answer.data.result.flatMap(({ metric, value: [, text] }) => {
      const id = metric['machine_id'];
      const value = Number(text);
      return id === undefined || !Number.isFinite(value) ? [] : [[id, value] as const];
    }),
  );
}

export function useMachine(id: string) {
  return useQuery({
    queryKey: queryKeys.machine(id),
    queryFn: ({ signal }) => callRpc(VmService.method.getVmInfo, { vmId: id }, { signal }),
    refetchInterval: NOW_MS,
  });
}

/** Of the counters `rate` is a second's; what nobody counts has no series. */
const SERIES = {
  cpu: ['drover_machine_cpu_usage_percent', 'avg'],
  memory: ['drover_machine_memory_bytes', 'avg'],
  memorySize: ['drover_machine_memory_size_bytes', 'last'],
  read: ['drover_machine_disk_read_bytes_total', 'rate'],
  written: ['drover_machine_disk_written_bytes_total', 'rate'],
  received: ['drover_machine_network_receive_bytes_total', 'rate'],
  sent: ['drover_machine_network_transmit_bytes_total', 'rate'],
} as const;

export type SeriesName = keyof typeof SERIES;

export interface MachineHistory {
  readonly span: Span;
  readonly of: Readonly<Record<SeriesName, History>>;
}

export function useMachineHistory(id: string, range: TimeRange) {
  return useQuery({
    queryKey: queryKeys.machineHistory(id, range),
    queryFn: async ({ signal }): Promise<MachineHistory> => {
      const span = spanOf(range, Date.now());
      const read = async ([metric, fn]: (typeof SERIES)[SeriesName]) => {
        const labels = { machine_id: id };
        // A machine has one series of each; after a move from another host there may be two.
        return await readHistory({ metric, fn, span, agg: 'max', labels }, signal);
      };
      const [cpu, memory, memorySize, readBytes, written, received, sent] = await Promise.all([
        ...[read(SERIES.cpu), read(SERIES.memory), read(SERIES.memorySize)],
        ...[read(SERIES.read), read(SERIES.written), read(SERIES.received), read(SERIES.sent)],
      ] as const);
      const of = { cpu, memory, memorySize, read: readBytes, written, received, sent };
      return { span, of };
    },
    placeholderData: keepPreviousData,
    ...(range.kind === 'last' && { refetchInterval: HISTORY_MS }),
  });
}

export interface Abilities {
  readonly firmware: readonly string[];
}

export interface OwnDisk {
  readonly name: string;
  readonly state: string;
  readonly path: string | null;
}

/** Asked when it is known for whom: an operator has to say. */
export function useAbilities(customer: string | undefined) {
  return useQuery({
    queryKey: queryKeys.abilities(customer ?? ''),
    queryFn: ({ signal }) =>
      getJson<Abilities>('/v1/abilities', { query: { customer_id: customer }, signal }),
    enabled: customer !== '',
    staleTime: 60_000,
  });
}

export function useOwnDisks(customer: string | undefined) {
  return useQuery({
    queryKey: queryKeys.ownDisks(customer ?? ''),
    queryFn: async ({ signal }) => {
      const query = { customer_id: customer };
      return await getJson<{ readonly disks: readonly OwnDisk[] }>('/v1/disks', { query, signal });
    },
    enabled: customer !== '',
  });
}
