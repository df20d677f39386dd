/** Jobs as they are asked for, and kept up to date by what the server tells meanwhile. */
import {
  useInfiniteQuery,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type QueryClient,
} from '@tanstack/react-query';
import { useRef } from 'react';
import { getJson, sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useLiveSocket } from '#web/api/use-live-socket.ts';
import { jobsIn } from './job-words.ts';
import type { Job, JobPage } from './wire.ts';

const PAGE = 500;
/** Without a live connection; with one only what it may have missed is asked for. */
const POLL_MS = 2000;
const LIVE_POLL_MS = 30_000;
/** Lists are asked for again once for all the jobs that came meanwhile. */
const GATHER_MS = 500;

export interface JobFilter {
  readonly state: string;
  readonly batch: string;
  readonly schedule: string;
}

export function useJobs({ state, batch, schedule }: JobFilter, isLive: boolean) {
  return useInfiniteQuery({
    queryKey: [...queryKeys.migrationJobs, { state, batch, schedule }],
    queryFn: ({ signal, pageParam }) =>
      sendJson<JobPage>(
        'POST',
        '/jobs/query',
        {
          ...{ limit: PAGE, cursor: pageParam, batch_id: batch === '' ? null : batch },
          ...{ status: state === 'all' ? null : state },
          schedule_id: schedule === '' ? null : schedule,
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor: next }) => next,
    refetchInterval: isLive ? LIVE_POLL_MS : POLL_MS,
  });
}

export function jobPath(id: string): string {
  return `/jobs/${encodeURIComponent(id)}`;
}

export function useJob(id: string, isLive: boolean) {
  return useQuery({
    queryKey: queryKeys.migrationJob(id),
    queryFn: ({ signal }) => getJson<Job>(jobPath(id), { signal }),
    refetchInterval: isLive ? LIVE_POLL_MS : POLL_MS,
  });
}

/** True while the server tells of changes by itself. */
export function useLiveJobs(): boolean {
  const client = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const listAgain = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void client.invalidateQueries({ queryKey: queryKeys.migrationJobs });
    }, GATHER_MS);
  };
  const { kind } = useLiveSocket({
    path: '/ws',
    onMessage: (message) => {
      const jobs = jobsIn(message);
      if (jobs !== undefined) {
        if (!putJobs(client, jobs)) listAgain();
        return;
      }
      const { type, data } = message as { readonly type?: unknown; readonly data?: unknown };
      if (type === 'status') client.setQueryData(queryKeys.migrationStatus, data);
      if (type === 'schedule_event') {
        void client.invalidateQueries({ queryKey: queryKeys.schedules });
      }
    },
  });
  return kind === 'live';
}

/** False when a list has to be asked for again: one came, or went on to another state. */
function putJobs(client: QueryClient, jobs: readonly Job[]): boolean {
  for (const job of jobs) {
    const key = queryKeys.migrationJob(job.definition.id);
    client.setQueryData<Job>(key, (old) => (old === undefined ? undefined : newer(old, job)));
  }
  const fresh = new Map(jobs.map((job) => [job.definition.id, job]));
  const known = new Set<string>();
  client.setQueriesData<InfiniteData<JobPage>>({ queryKey: queryKeys.migrationJobs }, (old) => {
    if (old === undefined) return old;
    const pages = old.pages.map((page) => ({
      ...page,
      jobs: page.jobs.map((job) => {
        const next = fresh.get(job.definition.id);
        if (next === undefined) return job;
        if (next.status === job.status) known.add(job.definition.id);
        return newer(job, next);
      }),
    }));
    return { ...old, pages };
  });
  return jobs.every(({ definition: { id } }) => known.has(id));
}

/** What was asked for may be newer than what is told. */
function newer(old: Job, job: Job): Job {
  return Date.parse(job.updated_at) >= Date.parse(old.updated_at) ? job : old;
}
