/** Every route of this surface. They ask who is there: authentication is registered before. */
import type { FastifyInstance } from 'fastify';
import { registerPoolMetrics } from './metrics-route.ts';
import { registerOpenApi } from './openapi-route.ts';
import type { PoolMetricsParts } from './pool-metrics-parts.ts';
import { registerPrometheus } from './prometheus-route.ts';
import { registerSse } from './sse-route.ts';
import { registerStats } from './stats-route.ts';
import { registerUnknown } from './unknown-route.ts';

export function registerPoolMetricsRoutes(app: FastifyInstance, parts: PoolMetricsParts): void {
  registerPoolMetrics(app, parts);
  registerPrometheus(app, parts);
  registerSse(app, parts);
  registerStats(app, parts);
  registerOpenApi(app, parts);
  registerUnknown(app);
}
