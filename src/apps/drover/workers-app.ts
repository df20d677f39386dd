/** The surfaces of the worker pool: its metrics, and the apps that run in it. */
import type { FastifyInstance } from 'fastify';
import packageJson from '#package.json' with { type: 'json' };
import type { MountAppsParts } from '#surfaces/apps/mount-apps.ts';
import { AppHosts } from '#surfaces/apps/serving/app-hosts.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import type { PoolMetricsParts } from '#surfaces/pool-metrics/pool-metrics-parts.ts';
import { registerPoolMetricsRoutes } from '#surfaces/pool-metrics/routes.ts';
import type { AppContext } from './context.ts';
import { ANYBODY } from './vm-metrics-app.ts';

export function createPoolMetricsParts({ workers, clock, loaded }: AppContext): PoolMetricsParts {
  return {
    clock,
    pool: workers.pool,
    startedMs: clock.monotonicMs(),
    version: packageJson.version,
    sseIntervalMs: loaded.config.workers.sseIntervalMs,
  };
}

export function mountPoolMetrics(
  app: FastifyInstance,
  { authenticator, loaded }: AppContext,
  parts: PoolMetricsParts,
): void {
  void app.register((scope, _options, done) => {
    const anonymous = loaded.config.metrics.isOpen ? ANYBODY : undefined;
    registerAuthentication(scope, authenticator, { anonymous });
    registerPoolMetricsRoutes(scope, parts);
    done();
  });
}

/** What changes an app is answered when its subscriptions to events are in force as well. */
export function createAppsParts(context: AppContext): MountAppsParts {
  const { workers, clock, authenticator, loaded, appSubscriptions } = context;
  const { apps, pool } = workers;
  const { domain, hosts, maxUploadBytes } = loaded.config.workers.apps;
  const synced = async <T>(changing: Promise<T>): Promise<T> => {
    const changed = await changing;
    await appSubscriptions.sync();
    return changed;
  };
  return {
    ...{ clock, authenticator, pool, maxUploadBytes },
    version: packageJson.version,
    hosts: new AppHosts({ domain, hosts }),
    apps: {
      deploy: (archive, options) => synced(apps.deploy(archive, options)),
      rollback: (name, version) => synced(apps.rollback(name, version)),
      remove: (name, version) => synced(apps.remove(name, version)),
      list: () => apps.list(),
      get: (name) => apps.get(name),
      resolve: (spec) => apps.resolve(spec),
      logs: (name) => apps.logs(name),
    },
  };
}
