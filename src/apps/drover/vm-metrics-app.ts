/** The surface vm-metrics on a listener: on the gateway, alone, and all there is of the agent. */
import type { FastifyInstance } from 'fastify';
import packageJson from '#package.json' with { type: 'json' };
import type { Authenticator } from '#access/authenticator.ts';
import type { OperatorPrincipal } from '#access/principal.ts';
import type { Clock } from '#kernel/clock.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { HostRoster } from '#machines/host-roster.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { registerHealthText } from '#surfaces/vm-metrics/status/health-text-route.ts';
import { registerVmMetricsRoutes } from '#surfaces/vm-metrics/routes.ts';
import type { MetricsConfig } from './config-metrics.ts';
import type { Measuring } from './measuring.ts';

export interface VmMetricsAppOptions {
  readonly measuring: Measuring;
  /** Undefined where no machines run. */
  readonly roster: HostRoster | undefined;
  readonly config: MetricsConfig;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  readonly refresh: () => Promise<void>;
}

/** Who calls without a token where that is allowed. The document of this API knows no tokens. */
export const ANYBODY: OperatorPrincipal = {
  kind: 'operator',
  name: 'anybody',
  via: 'dev',
  scopes: ['operator'],
};

export function mountVmMetrics(
  app: FastifyInstance,
  { isAlone, ...options }: VmMetricsAppOptions & { readonly isAlone: boolean },
): void {
  const { measuring, roster, config, authenticator, clock, metrics, refresh } = options;
  void app.register((scope, _options, done) => {
    const anonymous = config.isOpen ? ANYBODY : undefined;
    registerAuthentication(scope, authenticator, { anonymous });
    if (isAlone) registerHealthText(scope);
    registerVmMetricsRoutes(scope, {
      ...{ clock, metrics, refresh, roster, ...measuring },
      reader: measuring.history.reader,
      version: packageJson.version,
      style: { usagePctX100: config.usagePctX100 },
    });
    done();
  });
}
