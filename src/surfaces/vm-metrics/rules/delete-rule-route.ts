/** `DELETE /api/v1/rules/{id}`. A changed rule that ships with Drover is as it ships again. */
import type { FastifyInstance } from 'fastify';
import { assertMayChange, customerScopeOf } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import type { RuleParams } from './rule-requests.ts';
import type { RuleRoutesParts } from './rule-routes-parts.ts';

export function registerDeleteRule(app: FastifyInstance, { thresholds }: RuleRoutesParts): void {
  app.delete<RuleParams>('/api/v1/rules/:id', async (request, reply) => {
    const principal = principalOf(request);
    assertMayChange(principal);
    await thresholds.rules.remove(request.params.id, customerScopeOf(principal));
    void reply.code(204);
  });
}
