/** `GET /` of this surface alone: what there is. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { FleetParts } from './fleet-parts.ts';
import { OPENAPI_PATH } from './openapi-route.ts';

const ENDPOINTS = {
  health: '/api/health',
  servers: '/api/servers',
  overview: '/api/servers/overview',
  summary: '/api/servers/summary',
  ai_server: '/api/ai-server',
  app_server: '/api/app-server',
  storage_server: '/api/storage-server',
  prometheus: '/api/metrics/prometheus',
  metrics: '/metrics',
  websocket: '/ws/metrics',
  docs: OPENAPI_PATH,
};

export function registerIndex(app: FastifyInstance, { clock, version }: FleetParts): void {
  app.get('/', { config: { public: true } }, async (_request, reply) => {
    void reply.header('cache-control', 'no-cache');
    const timestamp = toIsoTime(clock.nowMs());
    return { message: 'Drover: servers at a glance', version, timestamp, endpoints: ENDPOINTS };
  });
}
