/** Every example of the API document, by the program it is written for. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { buildClient } from '#test/built-client.ts';
import {
  fakeWorker,
  openPoolMetrics,
  type PoolMetricsListener,
} from '#test/pool-metrics-fixture.ts';
import { TestPrometheus } from '#test/prometheus.ts';
import { until } from '#test/until.ts';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, 'pool-metrics-browser-program.ts');
const POOL = { size: 500, active: 12, idle: 3, creating: 0, total: 15, utilization: 0.024 };
const DOCUMENTED_WORKERS = [
  fakeWorker(),
  fakeWorker({ id: 'worker-def-456', state: 'idle', requests: 890, inFlight: 0 }),
  fakeWorker({ id: 'worker-ghi-789', app: 'admin-panel@1.0.0', state: 'creating', requests: 0 }),
];

let server: PoolMetricsListener;
before(async () => {
  server = await openPoolMetrics({ sseIntervalMs: 100 });
  server.pool.views = DOCUMENTED_WORKERS;
});
after(() => server[Symbol.asyncDispose]());

async function curl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('curl', ['--silent', '--show-error', '--max-time', '20', ...args]);
  return stdout;
}

/** Sends the text to a program and answers how it ended and what it said. */
async function pipeInto(program: string, args: readonly string[], input: string) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const said = text(child.stdout);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said: await said };
}

describe('curl', () => {
  it('reads the numbers', async () => {
    const answer = JSON.parse(await curl(`${server.url}/metrics/api/metrics/`)) as {
      pool: typeof POOL;
      uptime: number;
      timestamp: string;
    };
    assert.deepEqual(answer.pool, POOL);
    assert.deepEqual(Object.keys(answer), ['pool', 'uptime', 'timestamp']);
    assert.ok(Number.isSafeInteger(answer.uptime));
    assert.match(answer.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('finds one series with grep', async () => {
    const exposition = await curl('-s', `${server.url}/metrics/api/metrics/prometheus`);
    const { said } = await pipeInto('grep', ['buntime_pool_active'], exposition);
    assert.equal(
      said,
      '# HELP buntime_pool_active Active workers\n' +
        '# TYPE buntime_pool_active gauge\n' +
        'buntime_pool_active 12\n',
    );
  });

  it('reads the workers', async () => {
    const stats = JSON.parse(await curl(`${server.url}/metrics/api/metrics/stats`)) as {
      pool: typeof POOL;
      workers: { id: string; state: string }[];
    };
    assert.deepEqual(Object.keys(stats), ['pool', 'workers']);
    assert.deepEqual(
      stats.workers.map(({ id, state }) => `${id} ${state}`),
      ['worker-abc-123 active', 'worker-def-456 idle', 'worker-ghi-789 creating'],
    );
  });

  it('shows the headers of the document', async () => {
    const head = await curl('--head', `${server.url}/metrics/api/metrics/prometheus`);
    assert.match(head, /^content-type: text\/plain; charset=utf-8\r$/im);
    assert.match(head, /^HTTP\/1\.1 200 OK\r$/m);
  });

  it('streams with -N: the first event at once, then one after each interval', async () => {
    const child = spawn('curl', ['-sN', `${server.url}/metrics/api/metrics/sse`]);
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      if (lines.push(line) === 6) break;
    }
    child.kill();
    await once(child, 'close');
    assert.deepEqual(
      lines.map((line) => line.replace(/"uptime".*/, '…')),
      [1, 2, 3].flatMap(() => [`data: ${JSON.stringify({ pool: POOL }).slice(0, -1)},…`, '']),
    );
  });
});

describe("a browser's EventSource and the documented client class", () => {
  it('work as documented, and so does @drover/client with that EventSource', async () => {
    await using built = await buildClient();
    const { stdout } = await run(
      process.execPath,
      [
        ...['--experimental-eventsource', '--disable-warning=ExperimentalWarning'],
        ...[PROGRAM, server.url, built.url],
      ],
      { timeout: 30_000 },
    );
    const said = Object.assign(
      {},
      ...stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ) as object;
    assert.deepEqual(said, {
      utilization: '2.4%',
      prometheus: '# HELP buntime_pool_size Maximum pool size',
      workers: 3,
      breakdown: [
        'worker-abc-123 [my-app@1.2.0] active - 1542 reqs, 50.0MB',
        'worker-def-456 [my-app@1.2.0] idle - 890 reqs, 50.0MB',
        'worker-ghi-789 [admin-panel@1.0.0] creating - 0 reqs, 50.0MB',
      ],
      streamed: ['12/15', '12/15', '12/15'],
      'ours is native': true,
      'ours streamed': ['12/15', '12/15', '12/15'],
      refused: 2,
    });
  });
});

describe('Prometheus', () => {
  it('finds nothing wrong with the text but two of the documented names', async () => {
    const exposition = await curl(`${server.url}/metrics/api/metrics/prometheus`);
    const child = spawn('promtool', ['check', 'metrics']);
    const said = Promise.all([text(child.stdout), text(child.stderr)]);
    child.stdin.end(exposition);
    await once(child, 'close');
    assert.deepEqual((await said).join('').trim().split('\n'), [
      'buntime_pool_total non-counter metrics should not have "_total" suffix',
      'buntime_uptime_seconds counter metrics should have "_total" suffix',
    ]);
  });

  it('scrapes the seven series with their types', async () => {
    const config = `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: pool
    metrics_path: /metrics/api/metrics/prometheus
    static_configs: [{ targets: ['127.0.0.1:${server.port}'] }]
`;
    await using prometheus = await TestPrometheus.open({ config });
    const ask = async (query: string) => {
      const path = `/api/v1/query?query=${encodeURIComponent(query)}`;
      const { result } = (await prometheus.query(path)) as {
        result: { metric: { __name__: string }; value: [number, string] }[];
      };
      return result;
    };
    const found = await until(async () => {
      const series = await ask('{job="pool",__name__=~"buntime_.*"}');
      return series.length > 0 ? series : undefined;
    }, 'a scrape');
    assert.deepEqual(found.map(({ metric }) => metric.__name__).toSorted(), [
      ...['buntime_pool_active', 'buntime_pool_creating', 'buntime_pool_idle'],
      ...['buntime_pool_size', 'buntime_pool_total', 'buntime_pool_utilization'],
      'buntime_uptime_seconds',
    ]);
    const [utilization] = await ask('buntime_pool_utilization');
    assert.equal(utilization?.value[1], '0.024');
    const metadata = (await prometheus.query('/api/v1/metadata')) as Readonly<
      Record<string, { type: string; help: string }[]>
    >;
    assert.equal(metadata['buntime_uptime_seconds']?.[0]?.type, 'counter');
    assert.equal(metadata['buntime_pool_creating']?.[0]?.help, 'Workers being created');
  });
});
