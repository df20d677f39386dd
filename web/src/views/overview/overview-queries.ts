/** What the overview asks for besides servers and alerts. */
import { useQuery } from '@tanstack/react-query';
import { getJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import type { JobPage } from '#web/views/migrations/wire.ts';

const JOBS_MS = 2000;
const SLOWER_MS = 10_000;
const MOST_JOBS = 50;

export function useMachineCount() {
  return useQuery({
    queryKey: [...queryKeys.machines, 'count'],
    queryFn: ({ signal }) =>
      getJson<{ readonly total_count: number }>('/v1/vms', { query: { page_size: 1 }, signal }),
    refetchInterval: SLOWER_MS,
  });
}

export interface MigrationStatus {
  readonly running_jobs: number;
  readonly pending_jobs: number;
  readonly failed_jobs: number;
}

export function useMigrationStatus() {
  return useQuery({
    queryKey: queryKeys.migrationStatus,
    queryFn: ({ signal }) => getJson<MigrationStatus>('/status', { signal }),
    refetchInterval: JOBS_MS,
  });
}

/** Asked only while there are some. */
export function useRunningJobs() {
  const { data } = useMigrationStatus();
  const running = data?.running_jobs ?? 0;
  return useQuery({
    queryKey: [...queryKeys.runningJobs, running > 0],
    queryFn: ({ signal }) =>
      getJson<JobPage>('/jobs/query', {
        query: { status: 'running', limit: MOST_JOBS },
        signal,
      }),
    enabled: running > 0,
    refetchInterval: JOBS_MS,
  });
}
