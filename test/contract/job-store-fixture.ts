/** What the suites about JobStore share: jobs, claims of them, and what they come to. */
import assert from 'node:assert/strict';
import type { EventLog } from '#events/event-log.ts';
import type { JobId } from '#kernel/ids.ts';
import { outcomeToEvent } from '#jobs/job-events.ts';
import type { JobQuery } from '#jobs/job-list.ts';
import type {
  Claim,
  ClaimOrder,
  JobStore,
  NewJob,
  Outcome,
  SettledAttempt,
} from '#jobs/job-store.ts';
import type { Job, JobRequest } from '#jobs/job.ts';
import { makeJob } from '#jobs/new-job.ts';
import { jobRequest, testSecretBox } from '#test/job-fixture.ts';

export interface OpenJobStore extends AsyncDisposable {
  readonly jobs: JobStore;
  readonly events: EventLog;
}

export const NOW = 1_800_000_000_000;
export const HOLDER = 'host-1/a';
export const ORDER: ClaimOrder = {
  ...{ kinds: ['test'], most: 10, mostAhead: 0, isCleanUpOnly: false },
  ...{ lanes: {}, leaseMs: 30_000 },
};
export const QUERY: JobQuery = { sort: 'createdAt', order: 'asc', limit: 100 };
export const ALL = { after: 0, limit: 1000 };

export function newJob(choices: Partial<JobRequest> = {}, nowMs = NOW): NewJob {
  const kinds = new Set(['test', 'other']);
  return makeJob(jobRequest(choices), { secretBox: testSecretBox, nowMs, kinds, path: '' });
}

export async function submit(store: JobStore, ...choices: Partial<JobRequest>[]): Promise<void> {
  await store.submit(
    choices.map((each) => newJob(each)),
    1000,
  );
}

export async function claim(
  store: JobStore,
  choices: Partial<ClaimOrder> = {},
  holder = HOLDER,
): Promise<readonly Claim[]> {
  const turn = { holder, at: NOW, settled: [], claim: { ...ORDER, ...choices } };
  return (await store.turn(turn)).claims;
}

export function settledAs({ job, holdsLanes }: Claim, outcome: Outcome): SettledAttempt {
  const event = outcomeToEvent(job, outcome, { at: NOW, message: 'so it ended' });
  const dropsCheckpoint = outcome.kind === 'completed' || outcome.kind === 'cancelled';
  const told = { at: NOW, message: 'so it ended', event };
  return { job, outcome, ...told, holdsLanes, isCleanUp: false, dropsCheckpoint };
}

export async function settle(store: JobStore, claimed: Claim, outcome: Outcome): Promise<boolean> {
  const settled = [settledAs(claimed, outcome)];
  const { lost } = await store.turn({ holder: HOLDER, at: NOW, settled, claim: undefined });
  return lost.length === 0;
}

export async function present(store: JobStore, id: string): Promise<Job> {
  const job = await store.find(id);
  assert.ok(job !== undefined, id);
  return job;
}

export const idOf = ({ job }: Claim) => job.id;
export const named = (id: string) => id as JobId;
export const ERROR = { kind: 'unavailable', reason: 'GONE', message: 'it broke' } as const;
export const COMPLETED: Outcome = { kind: 'completed', result: '{"disks":1}' };
