/** `GET /metrics/api/metrics/stats`: the numbers of the pool, and each worker. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { serve } from './paths.ts';
import type { PoolMetricsParts } from './pool-metrics-parts.ts';
import { toPoolNumbers } from './pool-snapshot.ts';
import { workerToJson } from './worker-to-json.ts';

/**
 * How old an answer may be. Writing out 500 workers takes about a millisecond; so it takes no
 * more than a small part of the time, however many ask.
 */
export const STATS_MAX_AGE_MS = 20;

export function registerStats(app: FastifyInstance, parts: PoolMetricsParts): void {
  const { clock } = parts;
  let written: { readonly atMs: number; readonly bytes: Buffer } | undefined;
  serve(app, 'stats', async (request, reply) => {
    assertOperator(principalOf(request));
    void reply.type('application/json; charset=utf-8').header('cache-control', 'no-store');
    const nowMs = clock.monotonicMs();
    if (written === undefined || nowMs - written.atMs >= STATS_MAX_AGE_MS) {
      written = { atMs: nowMs, bytes: writeStats(parts) };
    }
    return written.bytes;
  });
}

/** Both are read in one go, so that the numbers are those of the workers shown. */
function writeStats({ pool }: PoolMetricsParts): Buffer {
  const counts = toPoolNumbers(pool.counts());
  return Buffer.from(JSON.stringify({ pool: counts, workers: pool.workers().map(workerToJson) }));
}
