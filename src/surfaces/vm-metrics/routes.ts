/** Every route of this surface but `/health`, which depends on what else the port serves. */
import type { FastifyInstance } from 'fastify';
import { registerGet } from './get-route.ts';
import { registerMetrics } from './metrics-route.ts';
import { registerHealthStatus } from './status/health-status-route.ts';
import type { VmMetricsParts } from './vm-metrics-parts.ts';

export function registerVmMetricsRoutes(app: FastifyInstance, parts: VmMetricsParts): void {
  registerGet(app, parts);
  registerMetrics(app, parts);
  registerHealthStatus(app, parts);
}
