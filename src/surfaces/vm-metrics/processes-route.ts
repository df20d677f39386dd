/** `GET /api/v1/processes?by=cpu|memory&limit=N`: who uses most of the host just now. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { invalidArgument } from '#kernel/errors.ts';
import type { ProcessOrder } from '#metrics/process-source.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import type { VmMetricsParts } from './vm-metrics-parts.ts';

const PARAMETERS = ['by', 'limit'];
const DEFAULT_LIMIT = 20;
const MOST = 200;

export function registerProcesses(app: FastifyInstance, { processes }: VmMetricsParts): void {
  app.get('/api/v1/processes', async (request, reply) => {
    assertOperator(principalOf(request));
    const query = request.query as Record<string, unknown>;
    const unknown = Object.keys(query).find((name) => !PARAMETERS.includes(name));
    if (unknown !== undefined) {
      throw invalidArgument(unknown, `is not a parameter here; known: ${PARAMETERS.join(', ')}`);
    }
    const wanted = { by: parseOrder(query['by']), limit: parseLimit(query['limit']) };
    const top = await processes.top(wanted, request.signal);
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

function parseOrder(given: unknown): ProcessOrder {
  if (given === undefined || given === 'cpu') return 'cpu';
  if (given === 'memory') return 'memory';
  throw invalidArgument('by', 'must be cpu or memory');
}

function parseLimit(given: unknown): number {
  if (given === undefined) return DEFAULT_LIMIT;
  const limit = typeof given === 'string' && /^\d{1,6}$/.test(given) ? Number(given) : NaN;
  if (limit >= 1 && limit <= MOST) return limit;
  throw invalidArgument('limit', `must be a whole number from 1 to ${MOST}`);
}
