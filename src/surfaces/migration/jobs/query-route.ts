/** `POST /jobs/query`, and the same by the parameters of a GET: jobs, the newest first. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { nearMisses } from '#surfaces/migration/near-misses.ts';
import { jobToJson } from './job-to-json.ts';
import { parseJobQuery, QUERY_FIELDS } from './parse-job-query.ts';

export function registerQuery(app: FastifyInstance, { jobs, clock }: MigrationParts): void {
  const answer = async (filters: unknown) => {
    const page = await jobs.list(parseJobQuery(filters));
    const warnings = nearMisses(filters, QUERY_FIELDS);
    return {
      jobs: page.jobs.map(jobToJson),
      total: page.total,
      next_cursor: page.next ?? null,
      ...(warnings.length > 0 && { warnings }),
      timestamp: toIsoTime(clock.nowMs()),
    };
  };
  app.post('/jobs/query', async ({ body }) => await answer(body));
  app.get('/jobs/query', async ({ query }) => await answer(query));
}
