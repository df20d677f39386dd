/**
 * Tasks a second and the 99th percentile of one, of a task that does nothing and of one that takes
 * 64 KiB and gives them back, moved both ways: our pool of threads beside piscina, with as many
 * threads, as many tasks at a time in each (one, then four), and as many asked for at once. Both
 * have their defaults otherwise. The two are in this process and run in turn; who waits is idle.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { move, Piscina } from 'piscina';
import { ThreadLauncher } from '#backends/worker-thread/thread-launcher.ts';
import { holdProcess, systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { GIB, MIB, MINUTE_MS } from '#kernel/units.ts';
import { refuseAll } from '#workers/pool/refuse-all.ts';
import { WorkerPool } from '#workers/pool/worker-pool.ts';
import type { WorkerApp } from '#workers/worker-app.ts';
import { repositoryRoot } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { measureInTurn, summarizePairs } from './pair.ts';
import { percentile } from './statistics.ts';

const THREADS = 2;
const AT_ONCE = 16;
const BODY_BYTES = 64 * 1024;
const AGAINST = `piscina with ${THREADS} threads`;
const GOAL = { of: 'ratio', atLeast: 1 } as const;
const MODULE = pathToFileURL(join(import.meta.dirname, 'pool-task.ts')).href;

interface TaskPool extends AsyncDisposable {
  empty(): Promise<unknown>;
  /** Answers a buffer of the same size; the one given is gone. */
  echo(buffer: ArrayBuffer): Promise<ArrayBuffer>;
}

/** One after the other, until told to stop. */
type Asker = (pool: TaskPool) => () => Promise<void>;

const TASKS: readonly { readonly name: string; readonly asker: Asker }[] = [
  {
    name: 'pool-tasks/empty',
    asker: (pool) => async () => void (await pool.empty()),
  },
  {
    name: 'pool-tasks/64-kib',
    asker: (pool) => {
      let buffer = new ArrayBuffer(BODY_BYTES);
      return async () => {
        buffer = await pool.echo(buffer);
        if (buffer.byteLength !== BODY_BYTES) throw new Error('the buffer did not come back whole');
      };
    },
  },
];

export const poolTasks: Benchmark = {
  name: 'pool-tasks',
  summary: 'tasks a second in threads, beside piscina',
  async *run(options) {
    // Threads that wait for work keep nobody alive.
    using _held = holdProcess();
    for (const concurrency of [1, 4]) {
      await using ours = openOurs(concurrency);
      await using peer = openPiscina(concurrency);
      for (const { name, asker } of TASKS) {
        const task = { name: concurrency === 1 ? name : `${name}-by-${concurrency}`, asker };
        yield* compare(task, { ours, peer }, options);
      }
    }
  },
};

async function* compare(
  { name, asker }: (typeof TASKS)[number],
  { ours, peer }: { readonly ours: TaskPool; readonly peer: TaskPool },
  { isQuick, progress }: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  const durationMs = isQuick ? 1000 : 4000;
  const slowest: Record<'ours' | 'peer', number[]> = { ours: [], peer: [] };
  const measure = async (pool: TaskPool, p99s: number[]) => {
    const { perSecond, latenciesMs } = await load(() => asker(pool), durationMs);
    p99s.push(percentile(latenciesMs, 0.99));
    return perSecond;
  };
  const warmups = isQuick ? 1 : 2;
  const paired = await measureInTurn(
    {
      runs: isQuick ? 3 : 9,
      warmups,
      onPair: (pair) =>
        progress(`${name}: ${Math.round(pair.ours)} against ${Math.round(pair.peer)} tasks/s`),
    },
    { ours: () => measure(ours, slowest.ours), peer: () => measure(peer, slowest.peer) },
  );
  yield { bench: name, ...paired, unit: 'tasks/s', against: AGAINST, goal: GOAL };
  const pairs = slowest.ours.map((each, run) => ({
    ours: each,
    peer: slowest.peer[run] ?? Number.NaN,
  }));
  yield {
    bench: `${name}-p99`,
    ...summarizePairs(pairs.slice(warmups)),
    unit: 'ms at the 99th percentile',
    against: AGAINST,
  };
}

async function load(
  createAsker: () => () => Promise<void>,
  durationMs: number,
): Promise<{ readonly perSecond: number; readonly latenciesMs: readonly number[] }> {
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + durationMs;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const ask = createAsker();
      for (let beganMs = startedMs; beganMs < endMs;) {
        await ask();
        const answeredMs = performance.now();
        latenciesMs.push(answeredMs - beganMs);
        beganMs = answeredMs;
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  return { perSecond: latenciesMs.length / seconds, latenciesMs };
}

function openPiscina(concurrency: number): TaskPool {
  const pool = new Piscina<unknown, ArrayBuffer>({
    filename: join(import.meta.dirname, 'piscina-task.ts'),
    ...{ minThreads: THREADS, maxThreads: THREADS, concurrentTasksPerWorker: concurrency },
  });
  return {
    empty: () => pool.run(undefined, { name: 'empty' }),
    echo: (buffer) => pool.run(move(buffer), { name: 'echo' }),
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

const tasksApp = (concurrency: number): WorkerApp => ({
  key: '(tasks)',
  isolation: 'thread',
  binding: undefined,
  limits: {
    ...{ concurrency, minWorkers: THREADS, maxWorkers: THREADS },
    ...{ idleTimeoutMs: MINUTE_MS, requestTimeoutMs: MINUTE_MS, startTimeoutMs: MINUTE_MS },
    ...{ queueLimit: 1000, queueTimeoutMs: MINUTE_MS },
    ...{ maxRequests: Infinity, maxMemoryBytes: 256 * MIB },
  },
});

function openOurs(concurrency: number): TaskPool {
  const launcher = new ThreadLauncher(join(repositoryRoot, 'src/apps/member/thread-main.ts'));
  const pool = new WorkerPool({
    ...{ clock: systemClock, log: silentLog, metrics: new MetricsRegistry() },
    launchers: { process: launcher, thread: launcher },
    egress: { answererFor: () => refuseAll, [Symbol.asyncDispose]: () => Promise.resolve() },
    settings: { size: THREADS, memoryBytes: GIB, warm: 0, startsAtOnce: THREADS },
    onOutput: () => undefined,
  });
  pool.admit(tasksApp(concurrency));
  return {
    empty: () => pool.run({ module: MODULE, name: 'empty' }, undefined, {}),
    echo: (buffer) => pool.run({ module: MODULE, name: 'echo' }, buffer, { transfer: [buffer] }),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
