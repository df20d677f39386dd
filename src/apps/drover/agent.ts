/** `drover agent`: measuring and its one surface, and nothing of machines. */
import { mkdir } from 'node:fs/promises';
import packageJson from '#package.json' with { type: 'json' };
import { EventSignal } from '#events/event-signal.ts';
import { systemClock } from '#kernel/clock.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { createStores } from '#stores/create-stores.ts';
import { openDatabase } from '#stores/open-database.ts';
import { openListener } from '#surfaces/edge/listener.ts';
import { createLogger } from '#surfaces/edge/logger.ts';
import { openProcessMetrics } from '#surfaces/edge/process-metrics.ts';
import { createAuthenticator } from './authentication.ts';
import type { ParsedConfig } from './config.ts';
import { loadHostId } from './host-id.ts';
import { listenerOptions } from './listener-options.ts';
import { openMeasuring } from './measuring.ts';
import { mountVmMetrics } from './vm-metrics-app.ts';

export interface DroverAgent extends AsyncDisposable {
  readonly url: string;
}

export async function openAgent(loaded: ParsedConfig): Promise<DroverAgent> {
  const { config, secrets } = loaded;
  const clock = systemClock;
  const log = createLogger({ level: config.logLevel });
  await using stack = new AsyncDisposableStack();
  await mkdir(config.dataDir, { recursive: true, mode: 0o755 });
  const hostId = await loadHostId(config);
  const database = stack.use(await openDatabase({ url: secrets.databaseUrl, clock, log }));
  const eventSignal = new EventSignal();
  const stores = createStores(database, { eventSignal, clock });
  const metrics = new MetricsRegistry();
  stack.use(openProcessMetrics(metrics, clock));
  const { authenticator } = await createAuthenticator(loaded, { stores, clock, log });
  const measuring = stack.use(
    await openMeasuring({
      ...{ hostId, clock, log, metrics, stores, eventSignal },
      config: config.metrics,
      dataDir: config.dataDir,
      version: packageJson.version,
      collectors: () => [],
    }),
  );
  const common = { authenticator, clock, metrics, config: config.metrics };
  const app = { ...common, measuring, roster: undefined };
  const listener = stack.use(
    await openListener({
      ...(await listenerOptions(config, { clock, log, metrics })),
      port: config.port,
      build: (fastify) => {
        mountVmMetrics(fastify, { ...app, isAlone: true, refresh: () => Promise.resolve() });
      },
    }),
  );
  log.info({ url: listener.url, instance: measuring.identity.instanceId }, 'ready');
  const closing = stack.move();
  return { url: listener.url, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}
