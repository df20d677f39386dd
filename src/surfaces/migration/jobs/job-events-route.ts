/** `GET /jobs/{id}/events`: what has become of a job, in order. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { jobIdOf, type JobParams } from './job-words.ts';
import { parseLinePage } from './parse-line-page.ts';

export function registerJobEvents(app: FastifyInstance, { jobs, clock }: MigrationParts): void {
  app.get<JobParams>('/jobs/:id/events', async (request, reply) => {
    const id = jobIdOf(request, reply);
    const page = parseLinePage(request.query);
    const entries = await jobs.history(id, page);
    return {
      job_id: id,
      events: entries.map(({ sequence, at, kind, attempt, message }) => ({
        ...{ sequence, timestamp: toIsoTime(at), event: `job.${kind}`, attempt, message },
      })),
      next_after: entries.at(-1)?.sequence ?? page.after,
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
