/** `GET /jobs/progress/{id}`: how far one job is, without the rest of it. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { elapsedSeconds, progressToJson } from './job-to-json.ts';
import type { JobParams } from './job-words.ts';

export function registerJobProgress(app: FastifyInstance, { jobs, clock }: MigrationParts): void {
  app.get<JobParams>('/jobs/progress/:id', async (request) => {
    const job = await jobs.get(request.params.id);
    return {
      job_id: job.id,
      status: job.state,
      ...progressToJson(job),
      elapsed_seconds: elapsedSeconds(job, clock.nowMs()),
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
