/** `DELETE /jobs/{id}`: forgets a job that has ended, with its log. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { jobIdOf, type JobParams } from './job-words.ts';

export function registerRemoveJob(app: FastifyInstance, { jobs, clock }: MigrationParts): void {
  app.delete<JobParams>('/jobs/:id', async (request, reply) => {
    const id = jobIdOf(request, reply);
    await jobs.remove(id);
    const timestamp = toIsoTime(clock.nowMs());
    return { message: 'job deleted successfully', job_id: id, timestamp };
  });
}
