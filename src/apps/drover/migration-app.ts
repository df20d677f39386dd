/** The surface migration on a listener: on the gateway, and alone. */
import type { FastifyInstance } from 'fastify';
import packageJson from '#package.json' with { type: 'json' };
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { registerMetricsRoute } from '#surfaces/edge/metrics-route.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { registerMigrationRoutes } from '#surfaces/migration/routes.ts';
import { MigrationMetrics } from '#surfaces/migration/status/migration-metrics.ts';
import { runPreflight } from '#transfers/preflight.ts';
import { describeCapabilities } from './capabilities.ts';
import type { AppContext } from './context.ts';
import { ANYBODY } from './vm-metrics-app.ts';

const MOST_SOCKETS = 500;

export function createMigrationParts(context: AppContext): MigrationParts {
  const { clock, log, metrics, authenticator, measuring, migrations, stores, loaded } = context;
  const { jobs, runner, schedules, connections, sources } = migrations;
  const version = packageJson.version;
  return {
    ...{ clock, log, version, jobs, runner, schedules, connections, sources },
    startedMs: clock.monotonicMs(),
    ...{ uploads: migrations.uploads, maxUploadBytes: migrations.maxUploadBytes },
    access: { authenticator, anonymous: loaded.config.metrics.isOpen ? ANYBODY : undefined },
    webhooks: measuring.webhooks,
    events: stores.events,
    metrics: new MigrationMetrics({ metrics, clock, version, jobs, runner }),
    checkSubmission: migrations.checkSubmission,
    preflight: (body, signal) => runPreflight(migrations, body, signal),
    capabilities: () => describeCapabilities(migrations.vddk),
    maxSockets: MOST_SOCKETS,
  };
}

export interface MountMigrationOptions {
  readonly context: AppContext;
  readonly parts: MigrationParts;
  readonly refresh: () => Promise<void>;
  readonly isAlone: boolean;
}

export function mountMigration(
  app: FastifyInstance,
  { context, parts, refresh, isAlone }: MountMigrationOptions,
): void {
  void app.register((scope, _options, done) => {
    const { anonymous } = parts.access;
    registerAuthentication(scope, context.authenticator, { anonymous });
    if (isAlone) registerMetricsRoute(scope, context.metrics, refresh);
    registerMigrationRoutes(scope, parts, { isAlone });
    done();
  });
}
