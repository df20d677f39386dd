/** `GET /metrics/api/metrics`: the numbers of the pool as JSON. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { serve } from './paths.ts';
import type { PoolMetricsParts } from './pool-metrics-parts.ts';
import { takeSnapshot } from './pool-snapshot.ts';

export function registerPoolMetrics(app: FastifyInstance, parts: PoolMetricsParts): void {
  serve(app, 'metrics', async (request, reply) => {
    assertOperator(principalOf(request));
    void reply.type('application/json; charset=utf-8').header('cache-control', 'no-store');
    return JSON.stringify(takeSnapshot(parts));
  });
}
