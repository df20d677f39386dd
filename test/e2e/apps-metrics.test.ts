/** The numbers of the pool, held against the processes that it runs. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { openTestServer } from '#test/drover-server.ts';
import { parseExposition } from '#test/exposition.ts';
import { PoolClient, type PoolStats, type StatsWorker } from '#test/pool-client.ts';
import { until } from '#test/until.ts';

const WARM = 1;
const SLOW = `
  await new Promise((resolve) => setTimeout(resolve, 1500));
  export default { fetch: () => new Response('at last') };
`;
/** What /metrics has of each app, with a label for its name. */
const FAMILIES = [
  ...['drover_app_workers', 'drover_app_queue_depth', 'drover_app_in_flight'],
  ...['drover_app_failing', 'drover_app_event_loop_utilization', 'drover_app_memory_bytes'],
  ...['drover_app_requests_total', 'drover_app_queue_wait_seconds', 'drover_app_run_seconds'],
  'drover_worker_start_seconds',
];

async function openMetrics() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openTestServer({ workers: { warm: WARM } }));
  const client = stack.use(new PoolClient(server.url));
  const owned = stack.move();
  return { client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function workerOf({ workers }: PoolStats, app: string): StatsWorker | undefined {
  return workers.find((worker) => worker.app === app && worker.state !== 'terminated');
}

/** As the kernel has it. */
async function processOf(pid: number): Promise<{ parent: number; rss: number; command: string }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
  return { parent: read('PPid'), rss: read('VmRSS') * 1024, command };
}

async function familiesOf(client: PoolClient) {
  return parseExposition((await client.read('/metrics')).text);
}

/** All the series of an app, as `name{labels} value`. */
async function seriesOf(client: PoolClient, app: string): Promise<string[]> {
  const families = [...(await familiesOf(client)).values()];
  const lines = families.flatMap(({ samples }) => [...samples].map((sample) => sample.join(' ')));
  return lines.filter((line) => line.includes(`app="${app}@`));
}

describe('the metrics of a pool at work', () => {
  it('have the true process, memory and state of each worker', async () => {
    await using metrics = await openMetrics();
    const { client } = metrics;
    await client.deploy({ app: 'hello', name: 'idle' });
    await client.deploy({ app: 'answers', name: 'busy' });
    await client.deploy({ app: { source: SLOW }, name: 'slow' });
    await client.ask('/apps/idle/');
    const leaving = new AbortController();
    const waiting = fetch(`${client.url}/apps/busy/wait`, { signal: leaving.signal });
    const slow = client.ask('/apps/slow/');
    const stats = await until(async () => {
      const found = await client.stats();
      const states = ['idle', 'busy', 'slow'].map(
        (name) => workerOf(found, `${name}@1.0.0`)?.state,
      );
      return states.join() === 'idle,active,creating' ? found : undefined;
    }, 'a worker in each state');
    assert.deepEqual(workerOf(stats, 'slow@1.0.0')?.memory.rss, 0);
    assert.equal(workerOf(stats, 'busy@1.0.0')?.inFlight, 1);
    leaving.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
    assert.equal((await slow).text, 'at last');

    const measured = await until(async () => {
      const found = await client.stats();
      const all = found.workers.filter(({ state }) => state !== 'terminated');
      return all.every(({ memory }) => memory.rss > 0) ? found : undefined;
    }, 'the memory of all workers');
    const processes = measured.workers.filter(({ pid }) => pid !== null);
    assert.ok(processes.length >= 3);
    for (const { id, pid, memory } of processes) {
      const { parent, rss, command } = await processOf(pid ?? 0);
      assert.equal(parent, process.pid, `${id} is a child of the server`);
      assert.match(command, new RegExp(id), 'the process has the folder of that worker');
      assert.ok(Math.abs(memory.rss - rss) < rss / 4, `${id}: ${memory.rss} and ${rss}`);
    }
    const threads = measured.workers.filter(({ app }) => app === '(tasks)');
    assert.deepEqual(new Set(threads.map(({ pid }) => pid)), new Set([null]));
  });

  it('say the same in JSON and in the seven series', async () => {
    await using metrics = await openMetrics();
    const { client } = metrics;
    await client.deploy({ app: 'answers', name: 'busy', manifest: { min_workers: 2 } });
    const leaving = new AbortController();
    const waiting = fetch(`${client.url}/apps/busy/wait`, { signal: leaving.signal });
    const settled = await until(async () => {
      const { pool, workers } = await client.stats();
      const warm = workers.filter(({ app, state }) => app === '(warm)' && state === 'ready');
      const isSettled = pool.active === 1 && pool.creating === 0 && warm.length === WARM;
      return isSettled && pool.idle >= 2 ? pool : undefined;
    }, 'the pool to come to rest');
    assert.equal(settled.total, settled.active + settled.idle);
    assert.equal(settled.utilization, 1 / settled.size);
    const { json } = await client.read('/metrics/api/metrics');
    assert.deepEqual(json.pool, settled);
    const { text } = await client.read('/metrics/api/metrics/prometheus');
    const series = [...text.matchAll(/^(\w+) (\S+)$/gm)].map(([, name, value]) => [name, value]);
    assert.deepEqual(series.slice(0, -1), [
      ['buntime_pool_size', '500'],
      ['buntime_pool_active', '1'],
      ['buntime_pool_idle', String(settled.idle)],
      ['buntime_pool_creating', '0'],
      ['buntime_pool_total', String(settled.total)],
      ['buntime_pool_utilization', String(settled.utilization)],
    ]);
    const [name, uptime] = series.at(-1) ?? [];
    assert.equal(name, 'buntime_uptime_seconds');
    assert.ok(Math.abs(Number(uptime) - json.uptime) <= 1);
    leaving.abort();
    await assert.rejects(waiting);
  });

  it('have the name of each app, until it is removed', async () => {
    await using metrics = await openMetrics();
    const { client } = metrics;
    await client.deploy({ app: 'crash', name: 'shop' });
    await client.deploy({ app: 'hello', name: 'other' });
    for (let count = 0; count < 3; count += 1) await client.ask('/apps/shop/');
    assert.equal((await client.ask('/apps/shop/throw')).status, 500);
    await client.ask('/apps/other/');
    const families = await familiesOf(client);
    for (const name of FAMILIES) {
      const lines = [...(families.get(name)?.samples.keys() ?? [])];
      assert.ok(
        lines.some((line) => line.includes('app="shop@1.0.0"')),
        name,
      );
    }
    const requests = families.get('drover_app_requests_total')?.samples;
    const count = (outcome: string) =>
      requests?.get(`drover_app_requests_total{app="shop@1.0.0",outcome="${outcome}"}`);
    assert.deepEqual([count('answered'), count('app-error') ?? count('failed')], [3, 1]);
    const run = families.get('drover_app_run_seconds')?.samples;
    assert.equal(run?.get('drover_app_run_seconds_count{app="shop@1.0.0"}'), 4);

    const removed = await client.ask('/api/v1/apps/shop', {
      method: 'DELETE',
      headers: { authorization: 'Bearer dev_operator' },
    });
    assert.equal(removed.status, 204);
    await until(
      async () => (await seriesOf(client, 'shop')).length === 0 || undefined,
      'no series',
    );
    assert.ok((await seriesOf(client, 'other')).length >= FAMILIES.length);
    const { workers } = await client.stats();
    const gone = workers.filter(({ app }) => app === 'shop@1.0.0');
    assert.deepEqual(new Set(gone.map(({ endReason }) => endReason)), new Set(['removed']));
  });
});
