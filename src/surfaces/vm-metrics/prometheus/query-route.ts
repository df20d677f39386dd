/** `/api/v1/query`: an expression at one instant. */
import type { FastifyInstance } from 'fastify';
import { ApiParameters, scopeMatchersOf } from './api-parameters.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { PrometheusParts } from './prometheus-parts.ts';
import { sendResult } from './query-answer.ts';

export function registerQuery(app: FastifyInstance, { promql, clock }: PrometheusParts): void {
  app.route({
    method: ['GET', 'POST'],
    url: '/api/v1/query',
    handler: async (request, reply) => {
      const parameters = new ApiParameters(request);
      const atMs = parameters.instant('time') ?? clock.nowMs();
      const scope = { extraMatchers: scopeMatchersOf(request), ...parameters.timeoutMs() };
      const limit = parameters.limit();
      const result = await promql.instant(
        parameters.query(),
        { atMs, ...scope },
        callerSignal(reply),
      );
      return sendResult(reply, result, limit);
    },
  });
}
