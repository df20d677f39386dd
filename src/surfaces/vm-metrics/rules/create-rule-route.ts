/** `POST /api/v1/rules`: an operator may make one for a customer, by `customer_id`. */
import type { FastifyInstance } from 'fastify';
import { assertMayChange } from '#access/principal.ts';
import { parseRule } from '#metrics/thresholds/parse-rule.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { parseOwner } from './rule-requests.ts';
import type { RuleRoutesParts } from './rule-routes-parts.ts';
import { ANSWERED_FIELDS, ruleToWire } from './rule-to-wire.ts';

const OTHER_FIELDS = [...ANSWERED_FIELDS, 'customer_id'];

export function registerCreateRule(app: FastifyInstance, { thresholds }: RuleRoutesParts): void {
  app.post('/api/v1/rules', async (request, reply) => {
    const principal = principalOf(request);
    assertMayChange(principal);
    const definition = parseRule(request.body, { otherFields: OTHER_FIELDS });
    const { customer_id: customer } = request.body as { readonly customer_id?: unknown };
    const rule = await thresholds.rules.create(definition, parseOwner(principal, customer));
    void reply.code(201).header('location', `/api/v1/rules/${rule.id}`);
    return ruleToWire(thresholds, rule);
  });
}
