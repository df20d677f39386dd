/** `GET /api/v1/rules?customer_id=…&page_size=…&page_token=…` */
import type { FastifyInstance } from 'fastify';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { QueryParameters } from '#surfaces/edge/query-parameters.ts';
import { pageOf, parseOwner } from './rule-requests.ts';
import type { RuleRoutesParts } from './rule-routes-parts.ts';
import { ruleToWire } from './rule-to-wire.ts';

export function registerListRules(app: FastifyInstance, { thresholds }: RuleRoutesParts): void {
  app.get('/api/v1/rules', (request) => {
    const query = new QueryParameters(request, ['customer_id', 'page_size', 'page_token']);
    const owner = parseOwner(principalOf(request), query.one('customer_id'));
    // Those that were never stored come first, in the order of their names.
    const positionOf = ({ createdAt = 0, id }: { createdAt: number | undefined; id: string }) => ({
      createdAt,
      id,
    });
    const filter = `rules ${owner ?? ''}`;
    const { items, ...rest } = pageOf(thresholds.rules.list(owner), { query, filter, positionOf });
    return { rules: items.map((rule) => ruleToWire(thresholds, rule)), ...rest };
  });
}
