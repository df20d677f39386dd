/**
 * Answers a second and CPU for an answer: /metrics and /get of the agent, with everything on as it
 * is by default, beside /metrics of the real node_exporter. Both on loopback, asked by the same
 * client over connections that stay open. node_exporter measures when it is asked and Drover when
 * it is time, which is the difference that this shows.
 */
import { openNodeExporter } from '#test/node-exporter.ts';
import { openChildServer } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { loadHttp1 } from './http1-load.ts';
import { measureInTurn, summarizePairs, type Pair } from './pair.ts';
import { readCpuMs } from './process-usage.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const AT_ONCE = 4;
const AGAINST = 'node_exporter answering /metrics';
const GOALS = {
  rate: { of: 'ratio', atLeast: 3 },
  cpu: { of: 'ratio', atMost: 1 / 3 },
} as const;

interface Server {
  readonly pid: number;
  readonly port: number;
}

interface Question {
  readonly name: string;
  readonly path: string;
  /** Asked of both. */
  readonly headers: Readonly<Record<string, string>>;
}

const QUESTIONS: readonly Question[] = [
  { name: 'scrape/metrics', path: '/metrics', headers: {} },
  // As Prometheus does.
  { name: 'scrape/metrics-gzip', path: '/metrics', headers: { 'Accept-Encoding': 'gzip' } },
  { name: 'scrape/get', path: '/get', headers: {} },
];

export const scrape: Benchmark = {
  name: 'scrape',
  summary: 'answers a second of /metrics and /get, beside node_exporter',
  async *run(options) {
    await using stack = new AsyncDisposableStack();
    const { path: dir } = stack.use(await openScratchDirectory());
    const exporter = stack.use(await openNodeExporter());
    const peer = { pid: exporter.pid, port: Number(new URL(exporter.url).port) };
    const ours = stack.use(
      await openChildServer({
        script: 'src/apps/drover/main.ts',
        args: ['agent', '--port', '0', '--data', dir],
      }),
    );
    for (const question of QUESTIONS) yield* compare(question, { ours, peer }, options);
  },
};

async function* compare(
  { name, path, headers }: Question,
  { ours, peer }: { readonly ours: Server; readonly peer: Server },
  { isQuick, progress }: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  const durationMs = isQuick ? 1000 : 5000;
  const costs = new Map<Server, number[]>([
    [ours, []],
    [peer, []],
  ]);
  const measure = async (server: Server, asked: string) => {
    const request = { method: 'GET', port: server.port, path: asked, headers } as const;
    const before = await readCpuMs(server.pid);
    const { calls, seconds } = await loadHttp1(request, { connections: AT_ONCE, durationMs });
    const cpuMs = (await readCpuMs(server.pid)) - before;
    costs.get(server)?.push((cpuMs * 1000) / calls);
    return calls / seconds;
  };
  const warmups = isQuick ? 1 : 2;
  const paired = await measureInTurn(
    {
      runs: isQuick ? 3 : 9,
      warmups,
      onPair: (pair) =>
        progress(`${name}: ${Math.round(pair.ours)} against ${Math.round(pair.peer)} answers/s`),
    },
    { ours: () => measure(ours, path), peer: () => measure(peer, '/metrics') },
  );
  yield { bench: name, ...paired, unit: 'answers/s', against: AGAINST, goal: GOALS.rate };
  const [own = [], others = []] = costs.values();
  const pairs = own.map((cost, run): Pair => ({ ours: cost, peer: others[run] ?? Number.NaN }));
  yield {
    bench: `${name}-cpu`,
    ...summarizePairs(pairs.slice(warmups)),
    unit: 'µs of server CPU an answer',
    against: AGAINST,
    goal: GOALS.cpu,
  };
}
