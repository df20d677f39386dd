/** `GET /api/v1/health/status`: each part of measuring with the reason for its status. */
import type { FastifyInstance } from 'fastify';
import type { CollectionHealth } from '#metrics/collection-health.ts';

export interface HealthStatusParts {
  readonly health: Pick<CollectionHealth, 'report'>;
  readonly version: string;
}

export function registerHealthStatus(app: FastifyInstance, parts: HealthStatusParts): void {
  app.get('/api/v1/health/status', { config: { public: true } }, async (_request, reply) => {
    const { status, uptimeSeconds, components } = await parts.health.report();
    void reply.code(status === 'error' ? 503 : 200).header('cache-control', 'no-store');
    return {
      status,
      uptime_seconds: uptimeSeconds,
      components: Object.fromEntries(
        components.map(({ name, status: own, lastSuccessMs, details }) => [
          name,
          { status: own, last_success: toUnixSeconds(lastSuccessMs), details },
        ]),
      ),
      version: parts.version,
    };
  });
}

function toUnixSeconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.floor(ms / 1000);
}
