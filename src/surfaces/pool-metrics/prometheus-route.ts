/** `GET /metrics/api/metrics/prometheus`: the documented series, and no others. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { serve } from './paths.ts';
import type { PoolMetricsParts } from './pool-metrics-parts.ts';
import { takeSnapshot } from './pool-snapshot.ts';
import { snapshotToPrometheus } from './prometheus-text.ts';

export function registerPrometheus(app: FastifyInstance, parts: PoolMetricsParts): void {
  serve(app, 'prometheus', async (request, reply) => {
    assertOperator(principalOf(request));
    void reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store');
    return snapshotToPrometheus(takeSnapshot(parts));
  });
}
