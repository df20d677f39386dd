/** `GET /api/v1/alerts?state=…&severity=…&rule=…`: what is pending or fires now. */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { AlertView } from '#metrics/thresholds/alert-table.ts';
import { SEVERITIES } from '#metrics/thresholds/rule.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { QueryParameters } from '#surfaces/edge/query-parameters.ts';
import { pageOf, parseOwner } from './rule-requests.ts';
import type { RuleRoutesParts } from './rule-routes-parts.ts';
import { alertToWire } from './rule-to-wire.ts';

const PARAMETERS = ['state', 'severity', 'rule', 'customer_id', 'page_size', 'page_token'];
const STATES = ['pending', 'firing'] as const;

export function registerListAlerts(app: FastifyInstance, { thresholds }: RuleRoutesParts): void {
  app.get('/api/v1/alerts', (request) => {
    const query = new QueryParameters(request, PARAMETERS);
    const customerId = parseOwner(principalOf(request), query.one('customer_id'));
    const kind = query.choice('state', STATES);
    const severity = query.choice('severity', SEVERITIES);
    const rule = query.one('rule');
    const ruleId = rule === undefined ? undefined : thresholds.rules.get(rule, customerId).id;
    const found = thresholds.states({ customerId, kind, severity, ruleId });
    const filter = ['alerts', customerId, kind, severity, ruleId].join(' ');
    const { items, ...rest } = pageOf(found, { query, filter, positionOf });
    return { alerts: items.map(alertToWire), ...rest };
  });
}

/** Longest first. Labels can be long, and a page token must not be. */
function positionOf({ rule, series, sinceMs }: AlertView) {
  const hash = createHash('sha256').update(`${rule.id}{${series.key}}`);
  return { createdAt: sinceMs, id: hash.digest('base64url') };
}
