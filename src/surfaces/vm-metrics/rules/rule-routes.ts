/** Threshold rules and the alerts they raise: `/api/v1/rules`, `/api/v1/alerts`. */
import type { FastifyInstance } from 'fastify';
import { registerChangeRule } from './change-rule-route.ts';
import { registerCreateRule } from './create-rule-route.ts';
import { registerDeleteRule } from './delete-rule-route.ts';
import { registerGetRule } from './get-rule-route.ts';
import { registerListAlerts } from './list-alerts-route.ts';
import { registerListRules } from './list-rules-route.ts';
import { registerReplaceRule } from './replace-rule-route.ts';
import { registerSilences } from './silence-routes.ts';
import type { RuleRoutesParts } from './rule-routes-parts.ts';

export function registerRuleRoutes(app: FastifyInstance, parts: RuleRoutesParts): void {
  registerListRules(app, parts);
  registerCreateRule(app, parts);
  registerGetRule(app, parts);
  registerReplaceRule(app, parts);
  registerChangeRule(app, parts);
  registerDeleteRule(app, parts);
  registerListAlerts(app, parts);
  registerSilences(app, parts);
}
