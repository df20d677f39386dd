/** `GET /jobs/{id}/logs`, and under its older path: what a job has said, in order. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { jobIdOf, type JobParams } from './job-words.ts';
import { parseLinePage } from './parse-line-page.ts';

export function registerJobLogs(app: FastifyInstance, { jobs, clock }: MigrationParts): void {
  const answer = async (request: FastifyRequest<JobParams>, reply: FastifyReply) => {
    const id = jobIdOf(request, reply);
    const page = parseLinePage(request.query);
    const lines = await jobs.logs(id, page);
    return {
      job_id: id,
      logs: lines.map(({ sequence, at, level, text }) => ({
        ...{ sequence, timestamp: toIsoTime(at), level, message: text },
      })),
      next_after: lines.at(-1)?.sequence ?? page.after,
      timestamp: toIsoTime(clock.nowMs()),
    };
  };
  app.get<JobParams>('/jobs/:id/logs', answer);
  app.get<JobParams>('/jobs/logs/:id', answer);
}
