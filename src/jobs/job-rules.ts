/** What may be asked of a job in which state. */
import { DroverError } from '#kernel/errors.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import { isEnded, type Job, type JobState } from './job.ts';

export type JobCommand = 'cancel' | 'retry' | 'clean' | 'remove' | 'set-controls';

const RULES = {
  cancel: { pending: true, running: true, completed: false, failed: false, cancelled: false },
  retry: { pending: true, running: false, completed: false, failed: true, cancelled: true },
  clean: { pending: false, running: false, completed: false, failed: true, cancelled: true },
  remove: { pending: false, running: false, completed: true, failed: true, cancelled: true },
  'set-controls': {
    pending: true,
    running: true,
    completed: false,
    failed: false,
    cancelled: false,
  },
} as const satisfies Record<JobCommand, Record<JobState, boolean>>;

const DONE_TO = {
  cancel: 'be cancelled',
  retry: 'be tried again',
  clean: 'be cleaned up',
  remove: 'be removed',
  'set-controls': 'have its limits changed',
} satisfies Record<JobCommand, string>;

const OR = new Intl.ListFormat('en-GB', { type: 'disjunction' });

export function isAllowed(command: JobCommand, state: JobState): boolean {
  return RULES[command][state];
}

/** What may be asked of it now. Whoever was asked to cancel need not be asked again. */
export function allowedCommands({ state, isCancelRequested }: Job): readonly string[] {
  const allowed = Object.keys(RULES).filter((name) => RULES[name as JobCommand][state]);
  return isCancelRequested ? allowed.filter((name) => name !== 'cancel') : allowed;
}

export function assertAllowed(command: JobCommand, { id, state }: Job): void {
  if (isAllowed(command, state)) return;
  const allowed = Object.entries(RULES[command]).flatMap(([name, is]) => (is ? [name] : []));
  const states = OR.format(allowed);
  throw new DroverError(
    'failed_precondition',
    `job ${id} is ${state}; only one that is ${states} can ${DONE_TO[command]}`,
    { reason: 'JOB_STATE', metadata: { job_id: id, state, command } },
  );
}

/** How long whoever cleans up after a job has it to himself. */
export const CLEANING_MS = 10 * MINUTE_MS;

/** A lease on a job that has ended says that somebody cleans up after it. */
export function assertNotBeingCleaned(job: Job, nowMs: number): void {
  const { id, state, leasedBy, leasedUntil } = job;
  if (!isEnded(state) || leasedBy === undefined || leasedUntil <= nowMs) return;
  // No lease is that long: the clock was set back since it was taken.
  if (leasedUntil > nowMs + 2 * CLEANING_MS) return;
  throw new DroverError('aborted', `job ${id} is being cleaned up; try again when that is done`, {
    reason: 'JOB_BUSY',
    metadata: { job_id: id },
  });
}

export function jobNotFoundError(id: string): DroverError {
  return new DroverError('not_found', `there is no job ${id}`, {
    reason: 'JOB_NOT_FOUND',
    metadata: { job_id: id },
  });
}
