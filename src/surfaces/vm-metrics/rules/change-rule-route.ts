/** `PATCH /api/v1/rules/{id}`: only what is given is changed. */
import type { FastifyInstance } from 'fastify';
import { assertMayChange, customerScopeOf } from '#access/principal.ts';
import { parseRule } from '#metrics/thresholds/parse-rule.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { refuseOtherOwner, type RuleParams } from './rule-requests.ts';
import type { RuleRoutesParts } from './rule-routes-parts.ts';
import { ANSWERED_FIELDS, ruleToWire } from './rule-to-wire.ts';

const OTHER_FIELDS = [...ANSWERED_FIELDS, 'customer_id'];

export function registerChangeRule(app: FastifyInstance, { thresholds }: RuleRoutesParts): void {
  app.patch<RuleParams>('/api/v1/rules/:id', async (request) => {
    const principal = principalOf(request);
    assertMayChange(principal);
    const scope = customerScopeOf(principal);
    const rule = await thresholds.rules.change(request.params.id, scope, (present) => {
      const definition = parseRule(request.body, { base: present, otherFields: OTHER_FIELDS });
      refuseOtherOwner(request.body, present);
      return definition;
    });
    return ruleToWire(thresholds, rule);
  });
}
