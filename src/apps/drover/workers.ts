/**
 * The worker pool and the apps that run in it.
 *
 *   requests, cron, events ─▶ AppService.resolve ─▶ WorkerPool ─▶ processes
 *   deploys ───────────────▶ AppService ─▶ WorkerPool ─▶ threads (unpacking)
 */
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { HttpEgress } from '#backends/app-egress/http-egress.ts';
import { createNameResolver } from '#backends/webhook-http/name-resolver.ts';
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { DAY_MS, GIB, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { AppService } from '#workers/apps/app-service.ts';
import { WorkerPool } from '#workers/pool/worker-pool.ts';
import { TASKS_KEY, TRANSFERS_KEY, type WorkerApp } from '#workers/worker-app.ts';
import type { ShareOrSize } from './config-values.ts';
import type { WorkersConfig } from './config-workers.ts';
import { createLaunchers } from './launchers.ts';

const DRAIN_MS = 3 * SECOND_MS;

export interface Workers extends AsyncDisposable {
  readonly pool: WorkerPool;
  readonly apps: AppService;
}

export interface WorkersOptions {
  readonly config: WorkersConfig;
  /** How many disks are copied at the same time. */
  readonly copies: number;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
}

export async function openWorkers(options: WorkersOptions): Promise<Workers> {
  const { config, dataDir, clock, log, metrics } = options;
  await using stack = new AsyncDisposableStack();
  const launchers = createLaunchers({
    ...{ clock, log },
    runDirectory: join(dataDir, 'run', 'members'),
    firstUid: config.firstUid,
    workers: config.size,
  });
  const egress = stack.use(
    new HttpEgress({
      clock,
      // Webhooks have a resolver of their own, and files need threads too.
      resolve: createNameResolver(1),
      allowPrivate: config.apps.allowPrivate,
    }),
  );
  const settings = {
    size: config.size,
    memoryBytes: memoryFor(config.memory),
    warm: config.warm,
    // Starting a process keeps a core busy, and one is for those that work.
    startsAtOnce: startsAtOnce(),
  };
  // The pool tells of output before there is an app that could write any.
  let apps: AppService | undefined;
  const pool = new WorkerPool({
    ...{ clock, log, metrics, launchers, egress, settings },
    onOutput: (key, stream, line) => apps?.onOutput(key, stream, line),
  });
  pool.admit(tasksApp(config.threads));
  pool.admit(transfersApp(options.copies));
  try {
    apps = await openApps(options, pool);
  } catch (thrown) {
    await pool[Symbol.asyncDispose]();
    throw thrown;
  }
  const closing = stack.move();
  const service = apps;
  return {
    pool,
    apps: service,
    [Symbol.asyncDispose]: async () => {
      // Requests have ended with their connections; this is for what the platform asked by itself.
      using cutOff = openDeadline(clock, DRAIN_MS, 'the end of the work in the pool');
      // What workers write while they drain still goes to the logs of their apps.
      await pool.drain(cutOff.signal);
      await service[Symbol.asyncDispose]();
      await closing.disposeAsync();
    },
  };
}

async function openApps(
  { config, dataDir, clock, log }: WorkersOptions,
  workers: WorkerPool,
): Promise<AppService> {
  return await AppService.open({
    ...{ clock, log, workers },
    directory: join(dataDir, 'apps'),
    policy: {
      grants: config.apps.allow,
      directories: config.apps.directories,
      maxMemoryBytes: config.apps.maxMemoryBytes,
      maxWorkers: config.size,
    },
    mostUploadBytes: config.apps.maxUploadBytes,
    logBytes: config.apps.logBytes,
  });
}

/** The threads that do the platform's heavy work. */
function tasksApp(threads: number): WorkerApp {
  return {
    key: TASKS_KEY,
    isolation: 'thread',
    binding: undefined,
    limits: {
      concurrency: 1,
      ...{ minWorkers: 0, maxWorkers: threads },
      idleTimeoutMs: 30 * SECOND_MS,
      requestTimeoutMs: 15 * MINUTE_MS,
      ...{ queueLimit: 1000, queueTimeoutMs: 10 * MINUTE_MS },
      startTimeoutMs: 10 * SECOND_MS,
      ...{ maxRequests: Infinity, maxMemoryBytes: GIB },
    },
  };
}

/** A disk takes as long as it takes; whoever copies it notices when nothing comes any more. */
function transfersApp(copies: number): WorkerApp {
  const { limits, ...app } = tasksApp(copies);
  const patientMs = 30 * DAY_MS;
  return {
    ...app,
    key: TRANSFERS_KEY,
    limits: { ...limits, requestTimeoutMs: patientMs, queueTimeoutMs: patientMs },
  };
}

function startsAtOnce(): number {
  return Math.max(1, navigator.hardwareConcurrency - 1);
}

/** Of what the host has, or of what the group of processes that this one is in may take. */
function memoryFor(memory: ShareOrSize): number {
  if (memory.kind === 'size') return memory.bytes;
  const constrained = process.constrainedMemory();
  const total = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.floor(total * memory.share);
}
