/** `GET /api/v1/processes?by=cpu|memory&limit=N`: who uses most of the host just now. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { QueryParameters } from '#surfaces/edge/query-parameters.ts';
import type { VmMetricsParts } from './vm-metrics-parts.ts';

const ORDERS = ['cpu', 'memory'] as const;
const DEFAULT_LIMIT = 20;
const MOST = 200;

export function registerProcesses(app: FastifyInstance, { processes }: VmMetricsParts): void {
  app.get('/api/v1/processes', async (request, reply) => {
    assertOperator(principalOf(request));
    const query = new QueryParameters(request, ['by', 'limit']);
    const by = query.choice('by', ORDERS) ?? 'cpu';
    const limit = query.count('limit', MOST) ?? DEFAULT_LIMIT;
    const top = await processes.top({ by, limit }, request.signal);
    void reply.header('cache-control', 'no-store');
    return {
      processes: top.map(({ pid, name, userId, cpuBps, memoryBytes, state, threads }) => ({
        ...{ pid, name, state, threads },
        user_id: userId ?? null,
        cpu_pct_x100: cpuBps,
        memory_bytes: memoryBytes,
      })),
    };
  });
}
