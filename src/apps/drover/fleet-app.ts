/** The surface fleet on a listener: on the gateway, and alone. */
import type { FastifyInstance } from 'fastify';
import packageJson from '#package.json' with { type: 'json' };
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { registerMetricsRoute } from '#surfaces/edge/metrics-route.ts';
import type { FleetParts } from '#surfaces/fleet/fleet-parts.ts';
import { registerNamedMetrics } from '#surfaces/fleet/named-metrics.ts';
import { registerFleetRoutes } from '#surfaces/fleet/routes.ts';
import { registerServerRoutes } from '#surfaces/fleet/servers/register-server-routes.ts';
import type { AppContext } from './context.ts';
import { ANYBODY } from './vm-metrics-app.ts';

export function createFleetParts({
  clock,
  log,
  fleet,
  authenticator,
  loaded,
  metrics,
}: AppContext): FleetParts {
  registerNamedMetrics(metrics, fleet);
  const { config } = loaded;
  return {
    ...{ clock, log, fleet, version: packageJson.version, maxSockets: config.fleet.maxSockets },
    access: { authenticator, anonymous: config.metrics.isOpen ? ANYBODY : undefined },
  };
}

export interface MountFleetOptions {
  readonly context: AppContext;
  readonly parts: FleetParts;
  readonly refresh: () => Promise<void>;
  readonly isAlone: boolean;
}

export function mountFleet(
  app: FastifyInstance,
  { context, parts, refresh, isAlone }: MountFleetOptions,
): void {
  void app.register((scope, _options, done) => {
    const { anonymous } = parts.access;
    registerAuthentication(scope, context.authenticator, { anonymous });
    if (isAlone) registerMetricsRoute(scope, context.metrics, refresh);
    registerFleetRoutes(scope, parts, { isAlone });
    done();
  });
  // Who may say whom to watch, and with which secret, is asked for a token in any case.
  void app.register((scope, _options, done) => {
    registerAuthentication(scope, context.authenticator);
    registerServerRoutes(scope, context);
    done();
  });
}
