/**
 * The last of four steps: env → config → context → server. One gateway with everything, and a
 * listener of its own for each surface that is to be served alone.
 */
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import packageJson from '#package.json' with { type: 'json' };
import { toDroverError } from '#kernel/errors.ts';
import { mountApps } from '#surfaces/apps/mount-apps.ts';
import { ConfigCache } from '#surfaces/vm-service/render/config.ts';
import { registerRestRoutes } from '#surfaces/vm-service/rest/rest-routes.ts';
import { vmServiceRoutes } from '#surfaces/vm-service/routes.ts';
import { VmMetrics } from '#surfaces/vm-service/vm-metrics.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { HealthChecks } from '#surfaces/edge/health-checks.ts';
import { registerHealthRoute } from '#surfaces/edge/health-route.ts';
import { openListener, type Listener, type OpenListenerOptions } from '#surfaces/edge/listener.ts';
import { registerMetricsRoute } from '#surfaces/edge/metrics-route.ts';
import { mountTokens } from '#surfaces/tokens/mount-tokens.ts';
import { mountWeb } from '#surfaces/web/mount-web.ts';
import { mountRpc } from '#surfaces/edge/rpc/mount-rpc.ts';
import { createAuthenticationGate } from '#surfaces/edge/rpc/rpc-authentication.ts';
import { createRpcHandlers } from '#surfaces/edge/rpc/rpc-handlers.ts';
import type { ParsedConfig } from './config.ts';
import { openContext, type AppContext, type ContextOverrides } from './context.ts';
import { createFleetParts, mountFleet } from './fleet-app.ts';
import { listenerOptions } from './listener-options.ts';
import { createMigrationParts, mountMigration } from './migration-app.ts';
import type { SurfaceName } from './config-settings.ts';
import { offeredImages } from './image/offered-images.ts';
import { openServiceHealth } from './service-health.ts';
import { hasUefi } from './targets.ts';
import { createAppsParts, createPoolMetricsParts, mountPoolMetrics } from './workers-app.ts';
import { mountVmMetrics } from './vm-metrics-app.ts';

export interface DroverServer extends AsyncDisposable {
  readonly url: string;
  readonly context: AppContext;
  /** Of the surfaces that are served alone, in the order of the configuration. */
  readonly listeners: readonly Listener[];
}

export async function openServer(
  loaded: ParsedConfig,
  overrides: ContextOverrides = {},
): Promise<DroverServer> {
  const { config } = loaded;
  const { webDirectory = WEB_DIRECTORY } = overrides;
  await using stack = new AsyncDisposableStack();
  const context = stack.use(await openContext(loaded, overrides));
  const builds = await createBuilds(context, stack, webDirectory);
  const common = await listenerOptions(config, context);
  const alone = [];
  for (const { surface, port } of config.listeners) {
    const build = builds[surface];
    const listener = stack.use(await openListener({ ...common, port, build }));
    context.log.info({ surface, url: listener.url }, 'a surface is served alone');
    alone.push(listener);
  }
  const gateway = stack.use(
    await openListener({ ...common, port: config.port, build: builds.gateway }),
  );
  context.log.info({ url: gateway.url, host: context.hostId }, 'ready');
  const closing = stack.move();
  return {
    url: gateway.url,
    context,
    listeners: alone,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** Where scripts/build-web.ts puts the page. */
const WEB_DIRECTORY = join(import.meta.dirname, '../../../web/dist');

type Build = OpenListenerOptions['build'];

/** What each listener serves: the gateway everything, the others one surface. */
async function createBuilds(
  context: AppContext,
  stack: AsyncDisposableStack,
  webDirectory: string,
): Promise<Readonly<Record<SurfaceName | 'gateway', Build>>> {
  const { authenticator, metrics, clock, measuring, roster } = context;
  const parts = createVmServiceParts(context);
  const health = createHealth(context);
  const serviceHealth = stack.use(openServiceHealth(health, clock));
  const migration = createMigrationParts(context);
  const fleet = createFleetParts(context);
  const refresh = async () => {
    await Promise.all([refreshCounts(context, parts), migration.metrics.refresh()]);
  };
  await refresh();
  const mountVmService = (app: FastifyInstance, { isAlone }: { readonly isAlone: boolean }) => {
    // In a scope of its own: over RPC a refusal must have the form of the protocol.
    void app.register((rest, _options, done) => {
      registerAuthentication(rest, authenticator);
      registerHealthRoute(rest, health);
      if (isAlone) registerMetricsRoute(rest, metrics, refresh);
      registerRestRoutes(rest, parts, packageJson.version);
      done();
    });
    mountRpc(
      app,
      createRpcHandlers({
        routes: vmServiceRoutes(parts),
        gate: createAuthenticationGate(authenticator),
        health: serviceHealth,
        draining: app.draining,
      }),
    );
  };
  const { metrics: config, auth } = context.loaded.config;
  const devMode = auth.mode === 'dev';
  const poolMetrics = createPoolMetricsParts(context);
  const mountPool = (app: FastifyInstance) => mountPoolMetrics(app, context, poolMetrics);
  const metricsOptions = { measuring, roster, config, authenticator, clock, metrics, refresh };
  return {
    'vm-service': (app) => mountVmService(app, { isAlone: true }),
    'vm-metrics': (app) => mountVmMetrics(app, { ...metricsOptions, isAlone: true }),
    'pool-metrics': mountPool,
    migration: (app) => mountMigration(app, { context, parts: migration, refresh, isAlone: true }),
    fleet: (app) => mountFleet(app, { context, parts: fleet, refresh, isAlone: true }),
    gateway: (app) => {
      mountVmService(app, { isAlone: false });
      mountVmMetrics(app, { ...metricsOptions, isAlone: false });
      mountPool(app);
      mountMigration(app, { context, parts: migration, refresh, isAlone: false });
      mountFleet(app, { context, parts: fleet, refresh, isAlone: false });
      mountApps(app, createAppsParts(context));
      const { version } = packageJson;
      mountTokens(app, { ...context, version });
      mountWeb(app, { authenticator, devMode, version, directory: webDirectory });
    },
  };
}

function createVmServiceParts(context: AppContext): VmServiceParts {
  const { clock, log, machines, disks, backends, stores, eventSignal, metrics, loaded } = context;
  const backendType = backends.hypervisor.kind;
  return {
    ...{ clock, machines, disks, hasUefi },
    network: backends.network,
    images: backends.images,
    offeredImages: () => offeredImages(loaded.config.images.directories[0], log),
    events: stores.events,
    eventSignal,
    configs: new ConfigCache(),
    metrics: new VmMetrics(metrics, clock, backendType),
    backendType,
    machineType: loaded.config.hypervisor.kernelMachine,
  };
}

function createHealth({ backends, stores, clock, log }: AppContext): HealthChecks {
  return new HealthChecks({
    clock,
    version: packageJson.version,
    backendType: backends.hypervisor.kind,
    backendCheck: 'backend_ping',
    checks: [
      {
        name: 'backend_ping',
        isCritical: true,
        run: async (signal) => assertHealthy(await backends.hypervisor.health(signal)),
      },
      {
        name: 'database',
        isCritical: true,
        run: async () => void (await stores.events.lastId()),
      },
      {
        name: 'network',
        isCritical: false,
        run: async (signal) => assertHealthy(await backends.network.health(signal)),
      },
    ],
    onFailure: (name, error) => {
      log.warn({ check: name, error: toDroverError(error) }, 'a health check failed');
    },
  });
}

function assertHealthy(health: { readonly isHealthy: boolean; readonly message: string }): void {
  if (!health.isHealthy) throw new Error(health.message);
}

/** From the store's counters, so the cost does not grow with the number of machines. */
async function refreshCounts({ stores }: AppContext, { metrics }: VmServiceParts): Promise<void> {
  metrics.setCounts(await stores.machines.countByState());
}
