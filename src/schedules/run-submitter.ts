/**
 * Makes jobs of runs that are claimed. It can be asked twice about the same run, also from two
 * processes: the id of the job is fixed, and a job that is there already is the one that is meant.
 */
import type { Job, JobRequest } from '#jobs/job.ts';
import type { Clock } from '#kernel/clock.ts';
import { isErrorKind, toDroverError, type DroverError, type ErrorKind } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import { openSecrets } from './schedule-secrets.ts';
import type { ClaimedRun, ScheduleRunStore } from './schedule-run-store.ts';

/** All of them or none. The same id with the same content is the same job. */
export interface JobSubmitter {
  submit(requests: readonly JobRequest[]): Promise<readonly Job[]>;
}

export interface RunSubmitterParts {
  readonly runs: ScheduleRunStore;
  readonly jobs: JobSubmitter;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly log: Log;
}

/** What may be over in a minute; then the run is submitted again. */
const PASSING: readonly ErrorKind[] = [
  ...(['unavailable', 'aborted', 'deadline_exceeded', 'cancelled'] as const),
];

export class RunSubmitter {
  readonly #parts: RunSubmitterParts;

  constructor(parts: RunSubmitterParts) {
    this.#parts = parts;
  }

  /** What is refused becomes a failed run; what cannot be stored at present stays claimed. */
  async submit(claimed: readonly ClaimedRun[]): Promise<void> {
    if (claimed.length === 0) return;
    try {
      await this.#submitTogether(claimed);
    } catch (thrown) {
      const [first, ...others] = claimed;
      if (first === undefined) return;
      if (others.length === 0) return await this.#giveUp(first, toDroverError(thrown));
      // One that is refused must not keep the others from running.
      for (const run of claimed) await this.submit([run]);
    }
  }

  /** Somebody waits for the answer: whatever goes wrong ends the run, and is theirs to hear. */
  async submitNow(run: ClaimedRun): Promise<void> {
    try {
      await this.#submitTogether([run]);
    } catch (thrown) {
      const { runs, clock } = this.#parts;
      const error = toDroverError(thrown);
      await runs.refuse(run.jobId, error.message, clock.nowMs());
      throw error;
    }
  }

  async #submitTogether(claimed: readonly ClaimedRun[]): Promise<void> {
    const { runs, jobs, clock } = this.#parts;
    const requests = claimed.map((run) => this.#requestOf(run));
    try {
      await jobs.submit(requests);
    } catch (thrown) {
      // It was submitted before, and the template has been changed since.
      if (claimed.length > 1 || !isErrorKind(thrown, 'already_exists')) throw thrown;
    }
    await runs.markSubmitted(
      claimed.map(({ jobId }) => jobId),
      clock.nowMs(),
    );
  }

  async #giveUp(run: ClaimedRun, error: DroverError): Promise<void> {
    const { runs, clock, log } = this.#parts;
    const about = { error, schedule: run.schedule.id, job: run.jobId };
    if (PASSING.includes(error.kind)) {
      log.warn(about, 'the job of a schedule could not be submitted; trying again in a minute');
      return;
    }
    log.warn(about, 'the job of a schedule was refused');
    await runs.refuse(run.jobId, error.message, clock.nowMs());
  }

  #requestOf({ schedule, jobId }: ClaimedRun): JobRequest {
    const { id, name, template } = schedule;
    const { sealedSecrets, ...request } = template;
    return {
      ...request,
      id: jobId,
      name: template.name ?? name,
      scheduleId: id,
      secrets: openSecrets(this.#parts.secretBox, id, sealedSecrets),
    };
  }
}
