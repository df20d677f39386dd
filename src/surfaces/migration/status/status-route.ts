/** `GET /status`: how many jobs there are, and how many of this process' workers have one. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { formatGoDuration } from './go-duration.ts';
import { countsToJson } from './job-counts.ts';

export function registerStatus(app: FastifyInstance, parts: MigrationParts): void {
  const { jobs, runner, clock, startedMs, version } = parts;
  app.get('/status', async (_request, reply) => {
    const counts = countsToJson(await jobs.counts());
    const { slots, active } = runner.stats();
    void reply.header('cache-control', 'no-store');
    return {
      ...counts,
      worker_count: slots,
      active_workers: active,
      version,
      uptime: formatGoDuration(clock.monotonicMs() - startedMs),
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
