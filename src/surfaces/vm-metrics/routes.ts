/** Every route of this surface but `/health`, which depends on what else the port serves. */
import type { FastifyInstance } from 'fastify';
import { registerGet } from './get-route.ts';
import { registerMetrics } from './metrics-route.ts';
import { registerOpenApi } from './openapi-route.ts';
import { registerProcesses } from './processes-route.ts';
import { registerPrometheusRoutes } from './prometheus/prometheus-routes.ts';
import { registerRangeRoutes } from './range/range-routes.ts';
import { registerTargets } from './range/targets-route.ts';
import { registerRuleRoutes } from './rules/rule-routes.ts';
import { registerHealthStatus } from './status/health-status-route.ts';
import type { VmMetricsParts } from './vm-metrics-parts.ts';
import { registerWebhookRoutes } from './webhooks/webhook-routes.ts';

export function registerVmMetricsRoutes(app: FastifyInstance, parts: VmMetricsParts): void {
  registerGet(app, parts);
  registerMetrics(app, parts);
  registerHealthStatus(app, parts);
  registerProcesses(app, parts);
  registerWebhookRoutes(app, parts);
  registerRuleRoutes(app, parts);
  registerRangeRoutes(app, parts);
  registerPrometheusRoutes(app, parts);
  registerTargets(app, parts);
  registerOpenApi(app, parts);
}
