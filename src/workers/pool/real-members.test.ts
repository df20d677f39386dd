/** The pool over real processes and threads: what pretending cannot show. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ThreadLauncher } from '#backends/worker-thread/thread-launcher.ts';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { ConfinedApps } from '#test/confined-app.ts';
import { Asker, workerApp } from '#test/pool-fixture.ts';
import { until } from '#test/until.ts';
import type { WorkerLimits } from '#workers/worker-app.ts';
import { refuseAll } from './refuse-all.ts';
import { WorkerPool } from './worker-pool.ts';

const THREAD_MAIN = fileURLToPath(new URL('../../apps/member/thread-main.ts', import.meta.url));
const KEY = 'shop@1.0.0';

const SOURCE = `
  const kept = [];
  export default {
    async fetch(request) {
      switch (new URL(request.url).pathname) {
        case '/loop': for (;;);
        case '/hog':
          for (;;) {
            kept.push(Buffer.alloc(2 ** 20, 1));
            await new Promise(setImmediate);
          }
        case '/never': return new Promise(() => undefined);
        default: return new Response('hello');
      }
    },
  };`;

describe('a pool of real members', () => {
  let apps: ConfinedApps;
  before(async () => (apps = await ConfinedApps.open()));
  after(() => apps[Symbol.asyncDispose]());

  async function openPool(limits: Partial<WorkerLimits> = {}) {
    const directory = join(apps.directory, 'shop');
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'main.js'), SOURCE);
    const app = workerApp(KEY, { maxWorkers: 1, concurrency: 4, ...limits });
    assert.ok(app.binding !== undefined);
    const pool = new WorkerPool({
      clock: systemClock,
      log: silentLog,
      metrics: new MetricsRegistry(),
      launchers: { process: apps.launcher, thread: new ThreadLauncher(THREAD_MAIN) },
      egress: { answererFor: () => refuseAll, [Symbol.asyncDispose]: () => Promise.resolve() },
      settings: { size: 4, memoryBytes: 4 * GIB, warm: 1, startsAtOnce: 2 },
      onOutput: () => undefined,
    });
    pool.admit({ ...app, binding: { ...app.binding, directory, entrypoint: 'main.js' } });
    const ask = async (path: string) => {
      const asker = new Asker();
      const head = { method: 'GET', url: `http://shop${path}`, headers: [], hasBody: false };
      pool.fetch(KEY, head, undefined, asker);
      return await asker.over();
    };
    const isAt = (state: string) =>
      pool.workers().find((each) => each.app === KEY && each.state === state);
    return { pool, ask, isAt, [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose]() };
  }

  it('answers, from a worker that was warm', async () => {
    await using held = await openPool();
    await until(() => held.pool.counts().idle === 1 || undefined, 'the warm worker');
    assert.equal(await held.ask('/'), '200');
    assert.equal(held.isAt('idle')?.requests, 1);
  });

  it('stops an endless loop, and answers from another worker', async () => {
    await using held = await openPool({ requestTimeoutMs: 1000 });
    assert.equal(await held.ask('/loop'), 'REQUEST_TIMEOUT');
    assert.equal(await held.ask('/'), '200');
    assert.equal(held.isAt('terminated')?.endReason, 'timeout');
  });

  it('stops what takes too much memory', async () => {
    await using held = await openPool({ maxMemoryBytes: 150 * MIB });
    assert.equal(await held.ask('/hog'), 'WORKER_OUT_OF_MEMORY');
    assert.equal(await held.ask('/'), '200');
  });

  it('fails what a worker had that is killed, and nothing else', async () => {
    await using held = await openPool();
    const lost = held.ask('/never');
    const worker = await until(() => held.isAt('active'), 'the request at its worker');
    assert.ok(worker.pid !== undefined);
    process.kill(worker.pid, 'SIGKILL');
    assert.equal(await lost, 'WORKER_CRASHED');
    assert.equal(await held.ask('/'), '200');
  });
});
