/** `POST /jobs/{id}/clean`: removes what a job that ended left behind. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { jobIdOf, type JobParams } from './job-words.ts';

export function registerCleanJob(app: FastifyInstance, { jobs, clock }: MigrationParts): void {
  app.post<JobParams>('/jobs/:id/clean', async (request, reply) => {
    const id = jobIdOf(request, reply);
    const removed = await jobs.clean(id);
    const message = removed.length === 0 ? 'there was nothing to clean up' : 'job cleaned up';
    return { message, job_id: id, removed, timestamp: toIsoTime(clock.nowMs()) };
  });
}
