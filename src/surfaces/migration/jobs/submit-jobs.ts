/**
 * Takes one job, or each of several that can be taken. One that is wrong by itself is a refusal;
 * in a batch it is told of beside those that were accepted.
 */
import type { Job, JobRequest } from '#jobs/job.ts';
import { DroverError, invalidArgument, isErrorKind, toDroverError } from '#kernel/errors.ts';
import type { Jobs, MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { parseMigration } from '#transfers/parse-migration.ts';
import { jobWarnings } from './job-warnings.ts';
import { isReservedJobId } from './job-words.ts';

const MOST_JOBS = 1000;
const MOST_WARNINGS = 100;

export interface Submission {
  readonly jobs: readonly Job[];
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  readonly isBatch: boolean;
}

/** Throws when nothing was accepted. */
export async function submitJobs(
  body: unknown,
  { jobs: service, checkSubmission }: Pick<MigrationParts, 'jobs' | 'checkSubmission'>,
): Promise<Submission> {
  const batch = batchIn(body);
  if (batch === undefined) {
    const request = parseJob(body);
    await checkSubmission(request);
    const jobs = await service.submit([request]);
    return { jobs, errors: [], warnings: jobWarnings(body), isBatch: false };
  }
  if (batch.length === 0 || batch.length > MOST_JOBS) {
    throw invalidArgument('jobs', `must be a list of 1 to ${MOST_JOBS} jobs`);
  }
  const { requests, errors } = await parseBatch(batch, checkSubmission);
  const jobs = await submitEach(requests, errors, service);
  if (jobs.length === 0) throw noneAccepted(errors);
  const warnings = batch.flatMap((each, at) => jobWarnings(each, `jobs[${at}].`));
  return { jobs, errors, warnings: warnings.slice(0, MOST_WARNINGS), isBatch: true };
}

function batchIn(body: unknown): readonly unknown[] | undefined {
  if (Array.isArray(body)) return body;
  if (typeof body !== 'object' || body === null || !('jobs' in body)) return undefined;
  if (Array.isArray(body.jobs)) return body.jobs;
  throw invalidArgument('jobs', `must be a list of 1 to ${MOST_JOBS} jobs`);
}

interface Placed {
  readonly at: number;
  readonly request: JobRequest;
}

async function parseBatch(batch: readonly unknown[], check: MigrationParts['checkSubmission']) {
  const errors: string[] = [];
  const requests: Placed[] = [];
  for (const [at, each] of batch.entries()) {
    try {
      const request = parseJob(each);
      await check(request);
      requests.push({ at, request });
    } catch (thrown) {
      errors.push(refusalToText(thrown, at));
    }
  }
  return { requests, errors };
}

/** Together, since that is one transaction; by themselves when one among them is refused. */
async function submitEach(
  placed: readonly Placed[],
  errors: string[],
  service: Pick<Jobs, 'submit'>,
): Promise<readonly Job[]> {
  if (placed.length === 0) return [];
  try {
    return await service.submit(placed.map(({ request }) => request));
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
  }
  const accepted: Job[] = [];
  for (const { at, request } of placed) {
    try {
      accepted.push(...(await service.submit([request])));
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      errors.push(refusalToText(thrown, at));
    }
  }
  return accepted;
}

/** Of the one job that it was thrown for, whatever becomes of the others. */
function isRefusal(thrown: unknown): boolean {
  return isErrorKind(thrown, 'already_exists') || isErrorKind(thrown, 'invalid_argument');
}

function parseJob(raw: unknown): JobRequest {
  const request = parseMigration(raw);
  if (request.id !== undefined && isReservedJobId(request.id)) {
    throw invalidArgument('id', 'is a word of this API; choose another');
  }
  return request;
}

function refusalToText(thrown: unknown, at: number): string {
  const error = toDroverError(thrown);
  if (error.kind === 'internal') throw error;
  return `jobs[${at}]: ${error.message}`;
}

function noneAccepted(errors: readonly string[]): DroverError {
  const [first = '', ...others] = errors;
  const more = others.length === 0 ? '' : `; and ${others.length} more`;
  return new DroverError('invalid_argument', `no job was accepted: ${first}${more}`, {
    reason: 'NO_JOB_ACCEPTED',
  });
}
