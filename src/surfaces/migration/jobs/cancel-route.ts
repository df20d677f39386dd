/** `POST /jobs/cancel`: by ids, by status, or those of the ids that have the status. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { parseCancellation } from './parse-job-query.ts';

export function registerCancel(app: FastifyInstance, { jobs, clock }: MigrationParts): void {
  app.post('/jobs/cancel', async (request) => {
    const { cancelled, failed } = await jobs.cancel(parseCancellation(request.body));
    return {
      message: cancelled.length === 0 ? 'no jobs were cancelled' : 'jobs cancelled successfully',
      count: cancelled.length,
      cancelled,
      failed: failed.map(({ id }) => id),
      ...(failed.length > 0 && {
        errors: Object.fromEntries(failed.map(({ id, message }) => [id, message])),
      }),
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
