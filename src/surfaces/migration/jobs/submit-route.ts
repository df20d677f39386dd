/** `POST /jobs/submit`: one job, a list of them, or an object with a list of them. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { submitJobs } from './submit-jobs.ts';

export function registerSubmit(app: FastifyInstance, parts: MigrationParts): void {
  app.post('/jobs/submit', async (request, reply) => {
    const { jobs, errors, warnings, isBatch } = await submitJobs(request.body, parts);
    void reply.code(201);
    const ids = jobs.map(({ id }) => id);
    const count = `${ids.length} ${ids.length === 1 ? 'job' : 'jobs'}`;
    return {
      job_id: ids[0],
      message: isBatch ? `${count} submitted successfully` : 'job submitted successfully',
      job_ids: ids,
      accepted: ids.length,
      rejected: errors.length,
      ...(errors.length > 0 && { errors }),
      ...(warnings.length > 0 && { warnings }),
      timestamp: toIsoTime(parts.clock.nowMs()),
    };
  });
}
