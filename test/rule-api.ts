/** The rule routes as a server has them, in dev mode. */
import type { FastifyInstance } from 'fastify';
import { Authenticator } from '#access/authenticator.ts';
import type { Thresholds } from '#metrics/thresholds/thresholds.ts';
import { systemClock } from '#kernel/clock.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import { registerRuleRoutes } from '#surfaces/vm-metrics/rules/rule-routes.ts';
import { createLogCapture } from '#test/log-capture.ts';

/** A request with this header is one of a token that may only read. */
export const READ_ONLY = 'x-read-only';

export function createRuleApi(thresholds: Thresholds): FastifyInstance {
  const app = createEdgeApp({
    log: createLogCapture().log,
    clock: systemClock,
    limits: DEFAULT_EDGE_LIMITS,
    draining: new AbortController().signal,
  });
  registerAuthentication(app, new Authenticator({ devMode: true }));
  app.addHook('onRequest', async (request) => {
    const { principal } = request;
    if (principal?.kind !== 'customer' || request.headers[READ_ONLY] === undefined) return;
    request.principal = { ...principal, scopes: ['read-only'] };
  });
  registerRuleRoutes(app, { thresholds, clock: systemClock });
  return app;
}
