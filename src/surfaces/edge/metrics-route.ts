/** `GET /metrics`: the whole registry, for Prometheus. */
import type { FastifyInstance } from 'fastify';
import { METRICS_CONTENT_TYPE, type MetricsRegistry } from '#kernel/metrics-registry.ts';

/** `refresh` brings gauges up to date that are read from elsewhere. */
export function registerMetricsRoute(
  app: FastifyInstance,
  metrics: MetricsRegistry,
  refresh?: () => Promise<void>,
): void {
  app.get('/metrics', { config: { public: true } }, async (_request, reply) => {
    await refresh?.();
    void reply.type(METRICS_CONTENT_TYPE).header('cache-control', 'no-store');
    return metrics.expose();
  });
}
