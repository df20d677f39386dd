/**
 * Where each answer is found: first where the API document has it, then where the original
 * programs had it, which answer the same. Every path is served with a slash at its end as well.
 */
import type { FastifyInstance, RouteHandlerMethod } from 'fastify';

export const PATHS = {
  metrics: ['/metrics/api/metrics', '/metrics/api', '/metrics/admin'],
  prometheus: ['/metrics/api/metrics/prometheus', '/metrics/api/prometheus', '/metrics/prometheus'],
  sse: ['/metrics/api/metrics/sse', '/metrics/api/sse', '/metrics/admin/sse'],
  stats: ['/metrics/api/metrics/stats', '/metrics/api/stats', '/metrics/admin/stats'],
} as const;

export type Endpoint = keyof typeof PATHS;

export const OPENAPI_PATH = '/metrics/api/metrics/openapi.json';

/** GET, and HEAD with it. */
export function serve(app: FastifyInstance, endpoint: Endpoint, handler: RouteHandlerMethod): void {
  for (const path of withSlashes(endpoint)) app.get(path, handler);
}

export function withSlashes(endpoint: Endpoint): string[] {
  return PATHS[endpoint].flatMap((path) => [path, `${path}/`]);
}
