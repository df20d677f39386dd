/**
 * The third of four steps: env → config → context → server. Opens what the server stands on, in
 * order, and closes it in reverse. Tests and benchmarks hand in parts of their own.
 */
import { mkdir } from 'node:fs/promises';
import packageJson from '#package.json' with { type: 'json' };
import type { Authenticator } from '#access/authenticator.ts';
import { TokenService } from '#access/token-service.ts';
import { EventSignal } from '#events/event-signal.ts';
import { systemClock, type Clock } from '#kernel/clock.ts';
import type { HostId, MachineId } from '#kernel/ids.ts';
import { DAY_MS } from '#kernel/units.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { HostRoster } from '#machines/host-roster.ts';
import { HostCapacity } from '#machines/host-capacity.ts';
import { IntentOutcomes } from '#machines/intent-outcomes.ts';
import { MachineReconciler } from '#machines/machine-reconciler.ts';
import { MachineService } from '#machines/machine-service.ts';
import { createStores, type Stores } from '#stores/create-stores.ts';
import { openDatabase } from '#stores/open-database.ts';
import { createLogger, type Logger } from '#surfaces/edge/logger.ts';
import { openProcessMetrics } from '#surfaces/edge/process-metrics.ts';
import { createAuthenticator } from './authentication.ts';
import { openBackends, type Backends } from './backends.ts';
import type { ParsedConfig } from './config.ts';
import { hostCapacity } from './host-limits.ts';
import { loadHostId } from './host-id.ts';
import { MachineCollector, type MachineSize } from './machine-collector.ts';
import { openMeasuring, type Measuring } from './measuring.ts';

export interface AppContext extends AsyncDisposable {
  readonly loaded: ParsedConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly hostId: HostId;
  readonly stores: Stores;
  readonly eventSignal: EventSignal;
  readonly authenticator: Authenticator;
  readonly backends: Backends;
  readonly machines: MachineService;
  readonly measuring: Measuring;
}

export interface ContextOverrides {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly backends?: Backends;
}

export async function openContext(
  loaded: ParsedConfig,
  overrides: ContextOverrides = {},
): Promise<AppContext> {
  const { config, secrets } = loaded;
  const clock = overrides.clock ?? systemClock;
  const log = overrides.log ?? createLogger({ level: config.logLevel });
  await using stack = new AsyncDisposableStack();
  await mkdir(config.dataDir, { recursive: true, mode: 0o755 });
  const hostId = await loadHostId(config);
  const database = stack.use(await openDatabase({ url: secrets.databaseUrl, clock, log }));
  const eventSignal = new EventSignal();
  const stores = createStores(database, { eventSignal, clock });
  const backends = overrides.backends ?? (await openBackends(config, { hostId, clock, log }));
  const metrics = new MetricsRegistry();
  stack.use(openProcessMetrics(metrics, clock));
  const parts = {
    hostId,
    clock,
    log,
    store: stores.machines,
    events: stores.events,
    hypervisor: backends.hypervisor,
    network: backends.network,
    capacity: new HostCapacity(hostCapacity(config.capacity)),
    outcomes: new IntentOutcomes(),
    roster: new HostRoster(),
  };
  const reconciler = stack.use(
    new MachineReconciler({ ...parts, keepEventsMs: config.events.retentionDays * DAY_MS }),
  );
  await reconciler.start();
  const machines = new MachineService({ ...parts, defaultQuota: config.quota, owner: reconciler });
  const authenticator = await createAuthenticator(loaded, { stores, clock, log });
  const measuring = stack.use(
    await openMeasuring({
      ...{ hostId, clock, log, metrics, stores, eventSignal },
      config: config.metrics,
      dataDir: config.dataDir,
      version: packageJson.version,
      collectors: (table) => [
        new MachineCollector({
          table,
          roster: parts.roster,
          stats: (id, signal) => reconciler.stats(id, signal),
          sizeOf: (id) => machineSize(stores, id),
        }),
      ],
    }),
  );
  const closing = stack.move();
  return {
    ...{ loaded, clock, log, metrics, hostId, stores, eventSignal, authenticator, backends },
    ...{ machines, measuring },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

async function machineSize(stores: Stores, id: MachineId): Promise<MachineSize | undefined> {
  const machine = await stores.machines.get(id);
  if (machine === undefined) return undefined;
  return { vcpus: machine.spec.cpu.vcpus, memoryMib: machine.spec.memoryMib };
}

/** For the token commands, which need the database and nothing else. */
export async function openTokens(
  loaded: ParsedConfig,
): Promise<AsyncDisposable & { readonly tokens: TokenService }> {
  await mkdir(loaded.config.dataDir, { recursive: true, mode: 0o755 });
  const clock = systemClock;
  const database = await openDatabase({ url: loaded.secrets.databaseUrl, clock });
  const stores = createStores(database, { eventSignal: new EventSignal(), clock });
  return {
    tokens: new TokenService({ store: stores.tokens, clock }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
