/** `PATCH /jobs/{id}`: changes what may be changed while it runs, such as its bandwidth. */
import type { FastifyInstance } from 'fastify';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { parseControls } from '#transfers/parse-controls.ts';
import { jobToJson } from './job-to-json.ts';
import { jobIdOf, type JobParams } from './job-words.ts';

export function registerChangeJob(app: FastifyInstance, { jobs }: MigrationParts): void {
  app.patch<JobParams>('/jobs/:id', async (request, reply) => {
    const id = jobIdOf(request, reply);
    return jobToJson(await jobs.setControls(id, parseControls(request.body)));
  });
}
