/**
 * Requests a second and their 99th percentile, of an app that answers five bytes: through the
 * whole server of `drover up` and its workers, each a sandboxed process, beside the same app
 * without any of that. What lies between is the listener, routing, request id, access log at its
 * usual level, metrics, the hop to a worker and back.
 *
 * Ours and the cluster have two workers each; the client takes its part of the same cores.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openChildServer, type ChildServer } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison, Goal } from './comparison.ts';
import { deployApp } from './deploy-app.ts';
import { HELLO_APP } from './hello-app.ts';
import { loadHttp1 } from './http1-load.ts';
import { measureInTurn, summarizePairs } from './pair.ts';
import { openPoolServer } from './pool-server.ts';
import { openScratchDirectory } from './scratch-directory.ts';
import { readTreeCpuMs } from './process-usage.ts';
import { percentile } from './statistics.ts';

const AT_ONCE = 32;
const WORKERS = 2;
const APP = 'hello';

interface Peer {
  readonly name: string;
  readonly against: string;
  readonly args: readonly string[];
  readonly goal?: Goal;
}

const PEERS: readonly Peer[] = [
  {
    name: 'pool-requests/one-process',
    against: 'the same app on node:http in one process, by a plain adapter',
    args: ['adapter'],
    goal: { of: 'ratio', atLeast: 0.5 },
  },
  {
    name: 'pool-requests/cluster',
    against: `the same in a cluster of ${WORKERS} processes`,
    args: ['cluster', String(WORKERS)],
    goal: { of: 'ratio', atLeast: 0.8 },
  },
  {
    name: 'pool-requests/native',
    against: 'node:http writing the same bytes, without Request and Response',
    args: ['native'],
  },
];

export const poolRequests: Benchmark = {
  name: 'pool-requests',
  summary: 'requests a second of an app in the pool, beside bare node:http and a cluster',
  async *run(options) {
    await using ours = await openPoolServer();
    await deployApp(ours.url, {
      name: APP,
      code: HELLO_APP,
      // As the peers have it: as many at once as come, and nobody is replaced.
      manifest: {
        ...{ min_workers: WORKERS, max_workers: WORKERS },
        ...{ concurrency: AT_ONCE, max_requests: 0 },
      },
    });
    for (const peer of PEERS) yield* compare(peer, ours, options);
  },
};

async function* compare(
  { name, against, args, goal }: Peer,
  ours: ChildServer,
  { isQuick, progress }: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  await using scratch = await openScratchDirectory();
  const file = join(scratch.path, 'main.mjs');
  await writeFile(file, HELLO_APP);
  await using peer = await openChildServer({
    script: 'bench/serve-hello.ts',
    args: [file, ...args],
  });
  const durationMs = isQuick ? 1500 : 5000;
  const usage = { ours: new Usage(), peer: new Usage() };
  const measure = async ({ pid, port }: ChildServer, path: string, { cpu, p99 }: Usage) => {
    const request = { method: 'GET', port, path, headers: {} } as const;
    const before = await readTreeCpuMs(pid);
    const load = await loadHttp1(request, { connections: AT_ONCE, durationMs });
    cpu.push((((await readTreeCpuMs(pid)) - before) * 1000) / load.calls);
    p99.push(percentile(load.latenciesMs, 0.99));
    return load.calls / load.seconds;
  };
  const warmups = isQuick ? 1 : 2;
  const paired = await measureInTurn(
    {
      runs: isQuick ? 3 : 9,
      warmups,
      onPair: (pair) =>
        progress(`${name}: ${Math.round(pair.ours)} against ${Math.round(pair.peer)} requests/s`),
    },
    {
      ours: () => measure(ours, `/apps/${APP}/`, usage.ours),
      peer: () => measure(peer, '/', usage.peer),
    },
  );
  yield {
    bench: name,
    ...paired,
    unit: 'requests/s',
    against,
    ...(goal !== undefined && { goal }),
  };
  for (const [what, unit] of [
    ['p99', 'ms at the 99th percentile'],
    ['cpu', 'µs of CPU a request, all processes together'],
  ] as const) {
    const pairs = usage.ours[what].map((each, run) => ({
      ours: each,
      peer: usage.peer[what][run] ?? Number.NaN,
    }));
    yield { bench: `${name}-${what}`, ...summarizePairs(pairs.slice(warmups)), unit, against };
  }
}

/** Run by run. */
class Usage {
  readonly p99: number[] = [];
  readonly cpu: number[] = [];
}
