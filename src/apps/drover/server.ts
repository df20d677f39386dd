/**
 * The last of four steps: env → config → context → server. One gateway with everything, and a
 * listener of its own for each surface that is to be served alone.
 */
import { readFile } from 'node:fs/promises';
import packageJson from '#package.json' with { type: 'json' };
import { toDroverError } from '#kernel/errors.ts';
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
import { mountRpc } from '#surfaces/edge/rpc/mount-rpc.ts';
import { createAuthenticationGate } from '#surfaces/edge/rpc/rpc-authentication.ts';
import { createRpcHandlers } from '#surfaces/edge/rpc/rpc-handlers.ts';
import type { Config, ParsedConfig } from './config.ts';
import { openContext, type AppContext, type ContextOverrides } from './context.ts';
import { openServiceHealth } from './service-health.ts';

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
  await using stack = new AsyncDisposableStack();
  const context = stack.use(await openContext(loaded, overrides));
  const build = await createRoutes(context, stack);
  const common = { ...(await listenerOptions(config, context)), build };
  const alone = [];
  for (const { surface, port } of config.listeners) {
    const listener = stack.use(await openListener({ ...common, port }));
    context.log.info({ surface, url: listener.url }, 'a surface is served alone');
    alone.push(listener);
  }
  const gateway = stack.use(await openListener({ ...common, port: config.port }));
  context.log.info({ url: gateway.url, host: context.hostId }, 'ready');
  const closing = stack.move();
  return {
    url: gateway.url,
    context,
    listeners: alone,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

async function listenerOptions(
  config: Config,
  { clock, log, metrics }: AppContext,
): Promise<Omit<OpenListenerOptions, 'port' | 'build'>> {
  const { tls, host, drainMs } = config;
  const common = { host, clock, log, metrics, limits: { drainMs } };
  if (tls === undefined) return common;
  return {
    ...common,
    tls: {
      cert: await readFile(tls.certFile, 'utf8'),
      key: await readFile(tls.keyFile, 'utf8'),
      ...(tls.clientCaFile === undefined
        ? {}
        : { clientCa: await readFile(tls.clientCaFile, 'utf8') }),
    },
  };
}

async function createRoutes(
  context: AppContext,
  stack: AsyncDisposableStack,
): Promise<OpenListenerOptions['build']> {
  const { authenticator, metrics } = context;
  const parts = createVmServiceParts(context);
  const health = createHealth(context);
  const serviceHealth = stack.use(openServiceHealth(health, context.clock));
  await refreshCounts(context, parts);
  return (app) => {
    // In a scope of its own: over RPC a refusal must have the form of the protocol.
    void app.register((rest, _options, done) => {
      registerAuthentication(rest, authenticator);
      registerHealthRoute(rest, health);
      registerMetricsRoute(rest, metrics, () => refreshCounts(context, parts));
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
}

function createVmServiceParts(context: AppContext): VmServiceParts {
  const { clock, machines, backends, stores, eventSignal, metrics, loaded } = context;
  const backendType = backends.hypervisor.kind;
  return {
    clock,
    machines,
    network: backends.network,
    images: backends.images,
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
