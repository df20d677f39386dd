/**
 * What the agent uses on a host where nobody asks it anything: resident memory, and CPU over a
 * while, measuring every second with everything on as it is by default. Beside it node_exporter,
 * which measures when it is asked, asked every second over one connection.
 *
 * `executable` is the single file that `npm run build:agent` makes, `scraped` the same asked for
 * its /metrics every second as well, `drover` the agent of a clone.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '#kernel/clock.ts';
import { openNodeExporter } from '#test/node-exporter.ts';
import { openChildServer, repositoryRoot } from './child-server.ts';
import type { Benchmark, Comparison } from './comparison.ts';
import { encodeHttp1, Http1Connection } from './http1-load.ts';
import { summarizePairs, type Pair } from './pair.ts';
import { readCpuMs, readRssBytes } from './process-usage.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const MEGABYTE = 1e6;
/** As often as the agent measures. */
const SCRAPE_EVERY_MS = 1000;
const SETTLE_MS = 5000;
const AGAINST = 'node_exporter, asked for /metrics every second';
const GOALS = {
  rss: { of: 'ours', below: 75 },
  cpu: { of: 'ratio', atMost: 1 },
} as const;

interface Usage {
  readonly rssMb: number;
  readonly cpuPercent: number;
}

export const agentIdle: Benchmark = {
  name: 'agent-idle',
  summary: 'memory and CPU of the agent, beside node_exporter',
  async *run({ isQuick, progress }) {
    await using stack = new AsyncDisposableStack();
    const { path: dir } = stack.use(await openScratchDirectory());
    const executable = join(dir, 'drover-agent');
    progress('building the executable');
    const build = ['scripts/build-agent.ts', '--out', executable];
    await promisify(execFile)(process.execPath, build, { cwd: repositoryRoot });
    const open = async (script: string, name: string, ...args: readonly string[]) => {
      const all = [...args, '--port', '0', '--data', join(dir, name)];
      return stack.use(await openChildServer({ script, args: all }));
    };
    const agents = {
      executable: await open(executable, 'executable'),
      scraped: await open(executable, 'scraped'),
      drover: await open(join(repositoryRoot, 'drover'), 'drover', 'agent'),
    };
    const exporter = stack.use(await openNodeExporter());
    for (const port of [Number(new URL(exporter.url).port), agents.scraped.port]) {
      stack.use(await keepScraping(port));
    }
    await systemClock.sleep(SETTLE_MS);
    const pids = [exporter.pid, ...Object.values(agents).map(({ pid }) => pid)];
    const samples: Usage[][] = [];
    for (let run = 0; run < (isQuick ? 1 : 3); run += 1) {
      // All at once: who is idle is in nobody's way.
      const sample = await watch(pids, isQuick ? 10_000 : 60_000);
      samples.push(sample);
      progress(sample.map(usageToText).join(', '));
    }
    for (const [at, name] of Object.keys(agents).entries()) yield* compare(name, samples, at + 1);
  },
};

/** Until disposed, over one connection that stays open. */
async function keepScraping(port: number): Promise<AsyncDisposable> {
  using stack = new DisposableStack();
  const connection = stack.use(await Http1Connection.open(port));
  const request = encodeHttp1({ method: 'GET', port, path: '/metrics', headers: {} });
  let underWay = Promise.resolve();
  stack.use(
    systemClock.every(SCRAPE_EVERY_MS, () => {
      underWay = underWay.then(async () => void (await connection.ask(request)));
    }),
  );
  const open = stack.move();
  return {
    async [Symbol.asyncDispose]() {
      await underWay;
      open.dispose();
    },
  };
}

async function watch(pids: readonly number[], durationMs: number): Promise<Usage[]> {
  const startedMs = performance.now();
  const before = await Promise.all(pids.map(readCpuMs));
  await systemClock.sleep(durationMs);
  const after = await Promise.all(pids.map(readCpuMs));
  const elapsedMs = performance.now() - startedMs;
  return await Promise.all(
    pids.map(async (pid, at) => ({
      rssMb: (await readRssBytes(pid)) / MEGABYTE,
      cpuPercent: (100 * ((after[at] ?? 0) - (before[at] ?? 0))) / elapsedMs,
    })),
  );
}

function usageToText({ rssMb, cpuPercent }: Usage): string {
  return `${rssMb.toFixed(1)} MB ${cpuPercent.toFixed(2)} %`;
}

/** In each sample node_exporter stands first. */
function* compare(name: string, samples: readonly Usage[][], at: number): Generator<Comparison> {
  const pairsOf = (read: (usage: Usage) => number): Pair[] =>
    samples.map((sample) => {
      const [ours, peer] = [sample[at], sample[0]];
      if (ours === undefined || peer === undefined) throw new Error('every process was watched');
      return { ours: read(ours), peer: read(peer) };
    });
  yield {
    bench: `agent-idle/${name}/rss`,
    ...summarizePairs(pairsOf(({ rssMb }) => rssMb)),
    unit: 'MB',
    against: AGAINST,
    goal: GOALS.rss,
  };
  yield {
    bench: `agent-idle/${name}/cpu`,
    ...summarizePairs(pairsOf(({ cpuPercent }) => cpuPercent)),
    unit: '% of a core',
    against: AGAINST,
    goal: GOALS.cpu,
  };
}
