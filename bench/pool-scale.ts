/**
 * What a pool that grows costs those who look at it: latency of the three endpoints one after the
 * other, memory and CPU of the server, with 100 and with 500 idle workers beside 10. There is no
 * peer, so the small pool is one. All workers are real processes; where memory does not suffice
 * there are fewer, and the names of the lines say how many.
 */
import { readFile } from 'node:fs/promises';
import { systemClock } from '#kernel/clock.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type { ChildServer } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { deployApp } from './deploy-app.ts';
import { HELLO_APP } from './hello-app.ts';
import { loadHttp1 } from './http1-load.ts';
import { measureInTurn, summarizePairs } from './pair.ts';
import { openPoolServer, untilPool } from './pool-server.ts';
import { readCpuMs, readRssBytes } from './process-usage.ts';
import { percentile } from './statistics.ts';

const FEW = 10;
const SIZES = [100, 500];
/** What a worker takes beside what all of them share. */
const WORKER_BYTES = 34 * MIB;
const KEPT_FREE_BYTES = 1024 * MIB;
const AGAINST = `the same server with ${FEW} idle workers`;

const ENDPOINTS = [
  { name: 'json', path: '/metrics/api/metrics/' },
  { name: 'prometheus', path: '/metrics/api/metrics/prometheus' },
  { name: 'stats', path: '/metrics/api/metrics/stats' },
] as const;

export const poolScale: Benchmark = {
  name: 'pool-scale',
  summary: 'metrics endpoints and memory of a server with 10, 100 and 500 idle workers',
  async *run(options) {
    await using few = await openIdle(FEW);
    for (const wanted of options.isQuick ? SIZES.slice(0, 1) : SIZES) {
      const count = Math.min(wanted, await countThatFits());
      options.progress(`starting ${count} workers`);
      await using many = await openIdle(count);
      yield* compare(count, { many, few }, options);
    }
  },
};

async function countThatFits(): Promise<number> {
  const meminfo = await readFile('/proc/meminfo', 'utf8');
  const kib = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0);
  return Math.max(FEW, Math.floor((kib * 1024 - KEPT_FREE_BYTES) / WORKER_BYTES));
}

async function openIdle(count: number): Promise<ChildServer> {
  await using stack = new AsyncDisposableStack();
  // What all workers together may take is guessed from what each seems to, pages shared included.
  const server = stack.use(
    await openPoolServer('--workers-warm', '0', '--workers-memory', '1024GiB'),
  );
  const manifest = { min_workers: count, max_workers: count };
  await deployApp(server.url, { name: 'idle', code: HELLO_APP, manifest });
  await untilPool(server, ({ pool }) => pool.idle >= count);
  const owned = stack.move();
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface Servers {
  readonly many: ChildServer;
  readonly few: ChildServer;
}

async function* compare(
  count: number,
  servers: Servers,
  options: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  for (const endpoint of ENDPOINTS) {
    yield* compareEndpoint(
      { ...endpoint, name: `pool-scale/${count}/${endpoint.name}` },
      servers,
      options,
    );
  }
  yield* compareUse(`pool-scale/${count}`, servers, options);
}

async function* compareEndpoint(
  { name, path }: { readonly name: string; readonly path: string },
  { many, few }: Servers,
  { isQuick, progress }: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  const slowest: Record<'ours' | 'peer', number[]> = { ours: [], peer: [] };
  const measure = async ({ port }: ChildServer, p99s: number[]) => {
    const headers = { authorization: 'Bearer dev_operator' };
    const request = { method: 'GET', port, path, headers } as const;
    const durationMs = isQuick ? 500 : 2000;
    const { latenciesMs } = await loadHttp1(request, { connections: 1, durationMs });
    p99s.push(percentile(latenciesMs, 0.99));
    return percentile(latenciesMs, 0.5);
  };
  const warmups = 1;
  const paired = await measureInTurn(
    {
      runs: isQuick ? 3 : 9,
      warmups,
      onPair: ({ ours, peer }) => progress(`${name}: ${ours.toFixed(2)}, ${peer.toFixed(2)} ms`),
    },
    {
      ours: () => measure(many, slowest.ours),
      peer: () => measure(few, slowest.peer),
    },
  );
  yield { bench: `${name}-p50`, ...paired, unit: 'ms', against: AGAINST };
  const pairs = slowest.ours.map((ours, run) => ({ ours, peer: slowest.peer[run] ?? Number.NaN }));
  const p99 = summarizePairs(pairs.slice(warmups));
  yield { bench: `${name}-p99`, ...p99, unit: 'ms', against: AGAINST };
}

/** Of the server's own process; of both at once, since who is idle is in nobody's way. */
async function* compareUse(
  name: string,
  { many, few }: Servers,
  { isQuick }: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  const pids = [many.pid, few.pid];
  const startedMs = performance.now();
  const before = await Promise.all(pids.map(readCpuMs));
  await systemClock.sleep((isQuick ? 5 : 30) * SECOND_MS);
  const after = await Promise.all(pids.map(readCpuMs));
  const elapsedMs = performance.now() - startedMs;
  const [ours = 0, peer = 0] = after.map((ms, at) => (100 * (ms - (before[at] ?? 0))) / elapsedMs);
  yield {
    bench: `${name}/cpu`,
    ...summarizePairs([{ ours, peer }]),
    unit: '% of a core',
    against: AGAINST,
  };
  const [oursMb = 0, peerMb = 0] = (await Promise.all(pids.map(readRssBytes))).map((b) => b / 1e6);
  const rss = summarizePairs([{ ours: oursMb, peer: peerMb }]);
  yield { bench: `${name}/rss`, ...rss, unit: 'MB', against: AGAINST };
}
