/** Schedules and their runs, as they are asked for. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getJson, sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import type { Place } from '#web/views/migrations/wire.ts';

export interface Schedule {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly schedule: string;
  readonly timezone: string;
  readonly enabled: boolean;
  readonly missed: 'once' | 'skip' | 'all';
  readonly overlap: 'skip' | 'queue' | 'allow';
  /** Seconds. */
  readonly jitter: number;
  readonly job_template: {
    readonly vm_path: string;
    readonly source?: Place;
    readonly destination?: Place;
  };
  readonly last_run: string | null;
  readonly next_run: string | null;
  readonly run_count: number;
  readonly failed_runs: number;
}

export interface Run {
  readonly sequence: number;
  readonly due_at: string;
  readonly manual: boolean;
  readonly status: string;
  readonly job_id: string | null;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly message: string | null;
}

interface RunPage {
  readonly runs: readonly Run[];
  readonly next_before: number | null;
}

const POLL_MS = 5000;
const MOST_RUNS = 100;

export function schedulePath(id: string): string {
  return `/schedules/${encodeURIComponent(id)}`;
}

export function useSchedules() {
  return useQuery({
    queryKey: queryKeys.schedules,
    queryFn: ({ signal }) =>
      getJson<{ readonly schedules: readonly Schedule[] }>('/schedules', { signal }),
    refetchInterval: POLL_MS,
  });
}

export function useSchedule(id: string) {
  return useQuery({
    queryKey: [...queryKeys.schedules, id],
    queryFn: ({ signal }) => getJson<Schedule>(schedulePath(id), { signal }),
    refetchInterval: POLL_MS,
  });
}

export function useRuns(id: string) {
  return useInfiniteQuery({
    queryKey: [...queryKeys.schedules, id, 'runs'],
    queryFn: ({ signal, pageParam }) =>
      getJson<RunPage>(`${schedulePath(id)}/runs`, {
        query: { limit: MOST_RUNS, before: pageParam },
        signal,
      }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ next_before: before }) => before ?? undefined,
    refetchInterval: POLL_MS,
  });
}

export interface When {
  readonly schedule: string;
  readonly timezone: string;
  /** Later ones than this; left out: than now. */
  readonly after?: string;
}

/** When it would be due; fails with what is wrong with it. */
export function usePreview({ schedule, timezone, after }: When) {
  return useQuery({
    queryKey: [...queryKeys.schedules, 'preview', schedule, timezone, after],
    queryFn: ({ signal }) =>
      sendJson<{ readonly next_runs: readonly string[]; readonly timezone: string }>(
        'POST',
        '/schedules/preview',
        { schedule, timezone: timezone.trim() === '' ? null : timezone, after, count: 5 },
        { signal },
      ),
    enabled: schedule.trim() !== '',
    staleTime: 30_000,
    retry: false,
  });
}
