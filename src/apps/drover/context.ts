/**
 * The third of four steps: env → config → context → server. Opens what the server stands on, in
 * order, and closes it in reverse. Tests and benchmarks hand in parts of their own.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { Authenticator } from '#access/authenticator.ts';
import { createJwtVerifier } from '#access/jwt-verifier.ts';
import { TokenService } from '#access/token-service.ts';
import { EventSignal } from '#events/event-signal.ts';
import { systemClock, type Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { HostId } from '#kernel/ids.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { HostCapacity } from '#machines/host-capacity.ts';
import { IntentOutcomes } from '#machines/intent-outcomes.ts';
import { MachineReconciler } from '#machines/machine-reconciler.ts';
import { MachineService } from '#machines/machine-service.ts';
import { createStores, type Stores } from '#stores/create-stores.ts';
import { openDatabase } from '#stores/open-database.ts';
import { createLogger, type Logger } from '#surfaces/edge/logger.ts';
import { openProcessMetrics } from '#surfaces/edge/process-metrics.ts';
import { openBackends, type Backends } from './backends.ts';
import type { ParsedConfig } from './config.ts';
import { hostCapacity } from './host-limits.ts';
import { loadHostId } from './host-id.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

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
  };
  const reconciler = stack.use(
    new MachineReconciler({ ...parts, keepEventsMs: config.events.retentionDays * DAY_MS }),
  );
  await reconciler.start();
  const machines = new MachineService({ ...parts, defaultQuota: config.quota, owner: reconciler });
  const authenticator = await createAuthenticator(loaded, { stores, clock, log });
  const closing = stack.move();
  return {
    ...{ loaded, clock, log, metrics, hostId, stores, eventSignal, authenticator, backends },
    machines,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
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

async function createAuthenticator(
  { config }: ParsedConfig,
  { stores, clock, log }: { readonly stores: Stores; readonly clock: Clock; readonly log: Logger },
): Promise<Authenticator> {
  const tokens = new TokenService({
    store: stores.tokens,
    clock,
    onTouchFailed: (error) => {
      log.warn({ error: toDroverError(error) }, 'the use of a token was not noted');
    },
  });
  const { jwt, mode } = config.auth;
  if (jwt === undefined) return new Authenticator({ devMode: mode === 'dev', tokens });
  const keys =
    jwt.keys.kind === 'url'
      ? { jwksUrl: jwt.keys.jwksUrl }
      : { pem: await readFile(jwt.keys.path, 'utf8') };
  const verifier = createJwtVerifier({ ...jwt, keys, clock });
  return new Authenticator({ devMode: mode === 'dev', tokens, jwt: verifier });
}
