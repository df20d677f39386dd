/** `GET /api/v1/rules/{id}`, where the name of a rule of one's own will do for the id. */
import type { FastifyInstance } from 'fastify';
import { customerScopeOf } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import type { RuleParams } from './rule-requests.ts';
import type { RuleRoutesParts } from './rule-routes-parts.ts';
import { ruleToWire } from './rule-to-wire.ts';

export function registerGetRule(app: FastifyInstance, { thresholds }: RuleRoutesParts): void {
  app.get<RuleParams>('/api/v1/rules/:id', (request) => {
    const scope = customerScopeOf(principalOf(request));
    return ruleToWire(thresholds, thresholds.rules.get(request.params.id, scope));
  });
}
