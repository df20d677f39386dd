/** `GET /health` of this surface alone: the one word that liveness probes look for. */
import type { FastifyInstance } from 'fastify';

export function registerHealthText(app: FastifyInstance): void {
  app.get('/health', { config: { public: true } }, async (_request, reply) => {
    void reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store');
    return 'healthy';
  });
}
