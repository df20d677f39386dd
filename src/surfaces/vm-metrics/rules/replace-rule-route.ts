/** `PUT /api/v1/rules/{id}`: a whole rule; what is left out is as for a new one. */
import type { FastifyInstance } from 'fastify';
import { assertMayChange, customerScopeOf } from '#access/principal.ts';
import { parseRule } from '#metrics/thresholds/parse-rule.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { refuseOtherOwner, type RuleParams } from './rule-requests.ts';
import type { RuleRoutesParts } from './rule-routes-parts.ts';
import { ANSWERED_FIELDS, ruleToWire } from './rule-to-wire.ts';

const OTHER_FIELDS = [...ANSWERED_FIELDS, 'customer_id'];

export function registerReplaceRule(app: FastifyInstance, { thresholds }: RuleRoutesParts): void {
  app.put<RuleParams>('/api/v1/rules/:id', async (request) => {
    const principal = principalOf(request);
    assertMayChange(principal);
    const definition = parseRule(request.body, { otherFields: OTHER_FIELDS });
    const scope = customerScopeOf(principal);
    const rule = await thresholds.rules.change(request.params.id, scope, (present) => {
      refuseOtherOwner(request.body, present);
      return definition;
    });
    return ruleToWire(thresholds, rule);
  });
}
