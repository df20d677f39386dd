/**
 * Jobs a second from submission to done, of jobs that do nothing: ours on SQLite and on
 * PostgreSQL, each beside graphile-worker on the same PostgreSQL server. All are in this process,
 * run as many jobs at a time, and are given them in batches of as many.
 *
 * graphile-worker has what its documentation recommends for throughput: a local queue, and
 * completions written in batches. Once more it runs as it is without being told anything, which
 * is how ours runs. It deletes a job that is done; ours keeps it, with its history and an event
 * for each step.
 */
import { join } from 'node:path';
import { Logger, makeWorkerUtils, run as runWorker } from 'graphile-worker';
import pg from 'pg';
import { EventSignal } from '#events/event-signal.ts';
import type { JobHandler } from '#jobs/job-handler.ts';
import { JobRunner } from '#jobs/job-runner.ts';
import { JobService } from '#jobs/job-service.ts';
import { holdProcess, systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { SecretBox } from '#kernel/secret-box.ts';
import { createStores } from '#stores/create-stores.ts';
import { openDatabase } from '#stores/open-database.ts';
import { openPostgresServer } from '#test/postgres.ts';
import type { Benchmark } from './comparison.ts';
import { measureInTurn } from './pair.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const CONCURRENCY = 24;
const BATCH = 1000;
const LOCAL_QUEUE = 500;
const LOOK_MS = 5;
/** No two in a batch are the same: what is the same in all rows is cheap to write. */
const SPECS = Array.from({ length: BATCH }, (_, at) => ({ path: `Datacenter/vm/folder/${at}` }));
/** With its defaults the peer takes so much longer. */
const FEWER = 8;
const TUNED: GraphileConfig.WorkerOptions = {
  localQueue: { size: LOCAL_QUEUE },
  ...{ completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};

interface Queue extends AsyncDisposable {
  /** Resolves when so many have been submitted, have run, and are written as done. */
  runAll(jobs: number): Promise<void>;
}

export const jobs: Benchmark = {
  name: 'jobs',
  summary: 'no-op jobs a second from submission to done, beside graphile-worker',
  async *run({ isQuick, progress }) {
    using _held = holdProcess();
    await using server = await openPostgresServer();
    await using scratch = await openScratchDirectory();
    const count = isQuick ? 8000 : 24_000;
    const sqlite = `sqlite:${join(scratch.path, 'jobs.db')}`;
    const postgres = await createDatabase(server.url, 'drover');
    const graphile = await createDatabase(server.url, 'graphile');
    for (const { bench, url, options, jobs: each, ...told } of [
      { bench: 'jobs/sqlite', url: sqlite, options: TUNED, jobs: count, ...TUNED_PEER },
      { bench: 'jobs/postgres', url: postgres, options: TUNED, jobs: count, ...TUNED_PEER },
      {
        ...{ bench: 'jobs/postgres-untuned', url: postgres, options: {}, jobs: count / FEWER },
        against: 'graphile-worker with its defaults',
      },
    ]) {
      await using ours = await openOurs(url);
      await using peer = await openGraphileWorker(graphile, options);
      const onPair = (pair: { readonly ours: number; readonly peer: number }) =>
        progress(`${bench}: ${Math.round(pair.ours)} against ${Math.round(pair.peer)} jobs/s`);
      const paired = await measureInTurn(
        { runs: isQuick ? 3 : 9, warmups: isQuick ? 1 : 2, onPair },
        { ours: () => rate(ours, each), peer: () => rate(peer, each) },
      );
      yield { bench, ...paired, unit: 'jobs/s', ...told };
    }
  },
};

const TUNED_PEER = {
  against: 'graphile-worker on PostgreSQL, tuned for throughput',
  goal: { of: 'ratio', atLeast: 1 },
} as const;

async function rate(queue: Queue, count: number): Promise<number> {
  const startedMs = performance.now();
  await queue.runAll(count);
  return (count * 1000) / (performance.now() - startedMs);
}

async function openOurs(url: string): Promise<Queue> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await openDatabase({ url }));
  const parts = { clock: systemClock, eventSignal: new EventSignal() };
  const { jobs: store } = createStores(database, parts);
  const countdown = new Countdown();
  const noop: JobHandler = {
    kind: 'noop',
    run: async () => {
      countdown.step();
      return await NOTHING;
    },
    cleanUp: () => Promise.resolve([]),
  };
  const common = { store, handlers: [noop], secretBox: new SecretBox(new Uint8Array(32)) };
  const service = new JobService({ ...common, clock: systemClock });
  const runner = stack.use(
    new JobRunner({
      ...{ ...common, clock: systemClock, log: silentLog, metrics: new MetricsRegistry() },
      ...{ holder: 'bench', limits: { slots: CONCURRENCY } },
    }),
  );
  await runner.start();
  const requests = SPECS.map((spec) => ({ kind: 'noop', subject: spec.path, spec }));
  const owned = stack.move();
  return {
    async runAll(count) {
      const all = countdown.from(count);
      for (let at = 0; at < count; at += BATCH) await service.submit(requests);
      await all;
      await until(async () => {
        const { pending, running } = await service.counts();
        return pending + running === 0;
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const NOTHING = Promise.resolve({});

async function openGraphileWorker(
  connectionString: string,
  options: GraphileConfig.WorkerOptions,
): Promise<Queue> {
  const logger = new Logger(() => () => undefined);
  const countdown = new Countdown();
  const utils = await makeWorkerUtils({ connectionString, logger });
  await utils.migrate();
  const runner = await runWorker({
    ...{ connectionString, logger, noHandleSignals: true, concurrency: CONCURRENCY },
    taskList: { noop: () => countdown.step() },
    preset: { worker: options },
  });
  const specs = SPECS.map((payload) => ({ identifier: 'noop', payload }));
  return {
    async runAll(count) {
      const all = countdown.from(count);
      for (let at = 0; at < count; at += BATCH) await utils.addJobs(specs);
      await all;
      await until(async () => {
        const left = await utils.withPgClient((client) =>
          client.query('select 1 from graphile_worker.jobs limit 1'),
        );
        return left.rows.length === 0;
      });
    },
    async [Symbol.asyncDispose]() {
      await runner.stop();
      await utils.release();
    },
  };
}

class Countdown {
  #left = 0;
  #done = Promise.withResolvers<void>();

  from(count: number): Promise<void> {
    this.#left = count;
    this.#done = Promise.withResolvers();
    return this.#done.promise;
  }

  step(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#done.resolve();
  }
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await systemClock.sleep(LOOK_MS);
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(serverUrl);
  url.pathname = name;
  return url.href;
}
