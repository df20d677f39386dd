/** `GET /jobs/{id}`: one job. */
import type { FastifyInstance } from 'fastify';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { jobToJson } from './job-to-json.ts';
import { jobIdOf, type JobParams } from './job-words.ts';

export function registerGetJob(app: FastifyInstance, { jobs }: MigrationParts): void {
  app.get<JobParams>('/jobs/:id', async (request, reply) =>
    jobToJson(await jobs.get(jobIdOf(request, reply))),
  );
}
