/** `GET /health`: the report as JSON, or one word to a client that prefers text/plain. */
import type { FastifyInstance } from 'fastify';
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

/** The q of the most specific range that covers the type; 0 when none does. */
function weightOf(accept: string, type: string): number {
  const anyOfKind = `${type.split('/', 1)[0]}/*`;
  let best = { rank: 0, q: 0 };
  for (const range of accept.slice(0, 1024).toLowerCase().split(',')) {
    const [name, ...parameters] = range.split(';').map((part) => part.trim());
    const rank = name === type ? 3 : name === anyOfKind ? 2 : name === '*/*' ? 1 : 0;
    if (rank <= best.rank) continue;
    const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    best = { rank, q: /^(?:0|1)(?:\.\d{0,3})?$/.test(q) ? Number(q) : 0 };
  }
  return best.q;
}
