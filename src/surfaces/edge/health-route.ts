/** `GET /health`: the report as JSON, or one word to a client that prefers text/plain. */
import type { FastifyInstance } from 'fastify';
import { weightOf } from './accept.ts';
import type { HealthChecks } from './health-checks.ts';

export function registerHealthRoute(app: FastifyInstance, health: HealthChecks): void {
  app.get('/health', { config: { public: true } }, async (request, reply) => {
    const report = await health.report();
    void reply
      .code(report.status === 'unhealthy' ? 503 : 200)
      .header('cache-control', 'no-store')
      .header('vary', 'accept');
    if (!prefersPlainText(request.headers.accept)) return report;
    void reply.type('text/plain; charset=utf-8');
    return report.status;
  });
}

/** Whether text/plain is asked for with more weight than JSON, wildcards counting as asked. */
export function prefersPlainText(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  return weightOf(accept, 'text/plain') > weightOf(accept, 'application/json');
}
