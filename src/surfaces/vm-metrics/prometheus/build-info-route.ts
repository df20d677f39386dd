/** `/api/v1/status/buildinfo`: Grafana asks it, to learn what the server understands. */
import type { FastifyInstance } from 'fastify';
import type { PrometheusParts } from './prometheus-parts.ts';

/** The release of Prometheus whose answers ours are compared with. */
const PROMETHEUS_VERSION = '2.42.0';

export function registerBuildInfo(app: FastifyInstance, { version }: PrometheusParts): void {
  app.get('/api/v1/status/buildinfo', () => ({
    status: 'success',
    data: {
      version: PROMETHEUS_VERSION,
      revision: `drover ${version}`,
      ...{ branch: '', buildUser: '', buildDate: '', goVersion: '' },
    },
  }));
}
