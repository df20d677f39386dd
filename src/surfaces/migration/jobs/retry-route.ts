/** `POST /jobs/{id}/retry`: runs a job again that failed or was cancelled. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { jobToJson } from './job-to-json.ts';
import { jobIdOf, type JobParams } from './job-words.ts';

export function registerRetryJob(app: FastifyInstance, { jobs, clock }: MigrationParts): void {
  app.post<JobParams>('/jobs/:id/retry', async (request, reply) => {
    const job = await jobs.retry(jobIdOf(request, reply));
    const timestamp = toIsoTime(clock.nowMs());
    return { message: 'job submitted again', job_id: job.id, job: jobToJson(job), timestamp };
  });
}
