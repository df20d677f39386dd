/** `/api/v1/query_range`: an expression at instants of equal distance. */
import type { FastifyInstance } from 'fastify';
import { invalidArgument } from '#kernel/errors.ts';
import { ApiParameters, scopeMatchersOf } from './api-parameters.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { PrometheusParts } from './prometheus-parts.ts';
import { sendResult } from './query-answer.ts';

export function registerQueryRange(app: FastifyInstance, { promql }: PrometheusParts): void {
  app.route({
    method: ['GET', 'POST'],
    url: '/api/v1/query_range',
    handler: async (request, reply) => {
      const parameters = new ApiParameters(request);
      const fromMs = parameters.requiredInstant('start');
      const toMs = parameters.requiredInstant('end');
      const stepMs = parameters.durationMs('step');
      if (stepMs === undefined) throw invalidArgument('step', 'is missing: give seconds or 1m');
      const times = { fromMs, toMs, stepMs };
      const scope = { extraMatchers: scopeMatchersOf(request), ...parameters.timeoutMs() };
      const limit = parameters.limit();
      const { series } = await promql.range(
        parameters.query(),
        { ...times, ...scope },
        callerSignal(reply),
      );
      return sendResult(reply, { kind: 'matrix', series }, limit);
    },
  });
}
