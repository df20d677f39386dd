/**
 * The third of four steps: env → config → context → server. Opens what the server stands on, in
 * order, and closes it in reverse. Tests and benchmarks hand in parts of their own.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Authenticator } from '#access/authenticator.ts';
import { TokenService } from '#access/token-service.ts';
import { EventSignal } from '#events/event-signal.ts';
import { systemClock, type Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { HostId, MachineId } from '#kernel/ids.ts';
import { DAY_MS } from '#kernel/units.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { Fleet } from '#fleet/fleet.ts';
import type { ServerService } from '#fleet/server-service.ts';
import type { DiskService } from '#machines/disk-service.ts';
import { HostRoster } from '#machines/host-roster.ts';
import { HostCapacity } from '#machines/host-capacity.ts';
import { IntentOutcomes } from '#machines/intent-outcomes.ts';
import { MachineReconciler } from '#machines/machine-reconciler.ts';
import { MachineService } from '#machines/machine-service.ts';
import { createStores, type Stores } from '#stores/create-stores.ts';
import { openDatabase } from '#stores/open-database.ts';
import { createLogger, type Logger } from '#surfaces/edge/logger.ts';
import { openProcessMetrics } from '#surfaces/edge/process-metrics.ts';
import { createAppEventFormat } from '#surfaces/apps/events/app-event-format.ts';
import {
  configuredFormat,
  migrationFormat,
} from '#surfaces/migration/webhooks/migration-format.ts';
import type { BeginRequest } from '#workers/ask-worker.ts';
import { AppSubscriptions } from './app-subscriptions.ts';
import { createAuthenticator } from './authentication.ts';
import { openBackends, type Backends } from './backends.ts';
import type { ParsedConfig } from './config.ts';
import { fitConfiguredWebhooks } from './configured-migration-webhooks.ts';
import { openDisks } from './disks.ts';
import { hostCapacity } from './host-limits.ts';
import { loadHostId } from './host-id.ts';
import { MachineCollector, type MachineSize } from './machine-collector.ts';
import type { Measuring } from './measuring.ts';
import { openMigrations, type Migrations } from './migrations.ts';
import type { DroverHere } from './targets.ts';
import { openWatching } from './watching.ts';
import { openWorkers, type Workers } from './workers.ts';

export interface AppContext extends AsyncDisposable {
  readonly loaded: ParsedConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly hostId: HostId;
  readonly stores: Stores;
  readonly eventSignal: EventSignal;
  readonly authenticator: Authenticator;
  readonly tokens: TokenService;
  readonly backends: Backends;
  readonly machines: MachineService;
  readonly roster: HostRoster;
  readonly disks: DiskService;
  readonly measuring: Measuring;
  readonly fleet: Fleet;
  readonly servers: ServerService;
  readonly workers: Workers;
  readonly migrations: Migrations;
  readonly appSubscriptions: AppSubscriptions;
}

export interface ContextOverrides {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly backends?: Backends;
  /** Where the built web page is. */
  readonly webDirectory?: string;
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
  const { machines, reconciler, roster, here } = await openMachines(
    { loaded, hostId, clock, log, stores, backends },
    stack,
  );
  const { authenticator, tokens } = await createAuthenticator(loaded, { stores, clock, log });
  const workers = stack.use(
    await openWorkers({
      ...{ clock, log, metrics },
      config: config.workers,
      copies: config.migration.copies,
      dataDir: config.dataDir,
    }),
  );
  const { pool } = workers;
  const disks = await openDisks(
    { clock, log, pool, machines: stores.machines, limits: config.disks, here },
    stack,
  );
  const appFormat = createAppEventFormat(hostId);
  const { fleet, servers, measuring } = stack.use(
    await openWatching({
      ...{ loaded, hostId, clock, log, metrics, stores, eventSignal },
      collectors: (table) => [
        new MachineCollector({
          table,
          roster,
          stats: (id, signal) => reconciler.stats(id, signal),
          sizeOf: (id) => machineSize(stores, id),
        }),
      ],
      formats: [migrationFormat, configuredFormat],
      apps: { format: appFormat, begin: (name) => beginAtApp(workers, name) },
    }),
  );
  const migrations = stack.use(
    await openMigrations({
      ...{ hostId, clock, log, metrics, stores, pool },
      ...{ config: config.migration, dataDir: config.dataDir, govc: secrets.govc, here },
      ...{ accelerator: config.hypervisor.accelerator, kvmFault: backends.kvmFault },
      preparesBy: backends.accelerator ?? config.hypervisor.accelerator,
    }),
  );
  const appSubscriptions = stack.use(
    await openSubscriptions(loaded, { clock, log, measuring, workers, format: appFormat.name }),
  );
  const closing = stack.move();
  return {
    ...{ loaded, clock, log, metrics, hostId, stores, eventSignal, authenticator, backends },
    ...{ tokens, machines, roster, disks, measuring, fleet, servers, workers, migrations },
    appSubscriptions,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

type Telling = Pick<AppContext, 'clock' | 'log' | 'measuring' | 'workers'> & {
  readonly format: string;
};

/** Whom events go to of those that nobody registered: apps, and what the configuration names. */
async function openSubscriptions(
  { config, secrets }: ParsedConfig,
  { clock, log, measuring, workers, format }: Telling,
): Promise<AppSubscriptions> {
  const { webhooks } = measuring;
  await fitConfiguredWebhooks({
    ...{ entries: config.migration.webhooks, variables: secrets.named, webhooks },
  });
  const subscriptions = new AppSubscriptions({
    ...{ clock, log, format, service: webhooks.service },
    apps: () => workers.apps.list(),
  });
  await subscriptions.sync();
  return subscriptions;
}

function beginAtApp({ apps, pool }: Workers, name: string): BeginRequest {
  const { workerApp } = apps.get(name).current;
  if (workerApp === undefined) {
    throw new DroverError('failed_precondition', `app ${name} has files alone, and no entrypoint`);
  }
  return (head, body, handler) => pool.fetch(workerApp.key, head, body, handler);
}

type MachineSurroundings = Pick<
  AppContext,
  'loaded' | 'hostId' | 'clock' | 'log' | 'stores' | 'backends'
>;

interface OpenMachines {
  readonly machines: MachineService;
  readonly reconciler: MachineReconciler;
  readonly roster: HostRoster;
  readonly here: DroverHere;
}

async function openMachines(
  { loaded, stores, backends, ...around }: MachineSurroundings,
  stack: AsyncDisposableStack,
): Promise<OpenMachines> {
  const { config } = loaded;
  const roster = new HostRoster();
  const parts = {
    ...{ ...around, roster },
    store: stores.machines,
    events: stores.events,
    hypervisor: backends.hypervisor,
    network: backends.network,
    capacity: new HostCapacity(hostCapacity(config.capacity)),
    outcomes: new IntentOutcomes(),
  };
  const reconciler = stack.use(
    new MachineReconciler({ ...parts, keepEventsMs: config.events.retentionDays * DAY_MS }),
  );
  await reconciler.start();
  const machines = new MachineService({ ...parts, defaultQuota: config.quota, owner: reconciler });
  const { images, guestUser } = backends;
  const imagesDirectory = config.images.directories[0] ?? join(config.dataDir, 'images');
  const { capacity } = parts;
  return {
    ...{ machines, reconciler, roster },
    here: { machines, capacity, images, guestUser, imagesDirectory },
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
