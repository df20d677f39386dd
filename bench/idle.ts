/**
 * What the server uses while nobody asks anything of it: resident memory, and CPU over a while,
 * with no machines and with a hundred that run. Beside it a bare connect-node server, which is
 * what Node itself needs. The goals are absolute, as a host's memory is.
 *
 * `drover-up` is the program as it is started; the others are the same server on a hypervisor
 * that only pretends, so that a hundred machines run on any host.
 */
import { join } from 'node:path';
import { systemClock } from '#kernel/clock.ts';
import { openChildServer, repositoryRoot, type ChildServer } from './child-server.ts';
import type { Benchmark, Comparison } from './comparison.ts';
import { createVmClient, devToken, everydayConfig } from './drover-client.ts';
import { summarizePairs, type Pair } from './pair.ts';
import { readCpuMs, readRssBytes } from './process-usage.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const MACHINES = 100;
const MEGABYTE = 1e6;
const SETTLE_MS = 5000;
const AGAINST = 'a bare connect-node server';
/** Those that the `drover` launcher gives, for servers that are started without it. */
const LAUNCHER_FLAGS = ['--v8-pool-size=2', '--disable-sigusr1'];
const GOALS = {
  rss: { of: 'ours', below: 110 },
  cpu: { of: 'ours', below: 1 },
} as const;

export const idle: Benchmark = {
  name: 'idle',
  summary: 'memory and CPU of an idle server with 0 and 100 machines',
  async *run({ isQuick, progress }) {
    await using stack = new AsyncDisposableStack();
    const { path: dir } = stack.use(await openScratchDirectory());
    const open = async (script: string, ...args: readonly string[]) =>
      stack.use(await openChildServer({ script, args, nodeArgs: LAUNCHER_FLAGS }));
    const servers = {
      'drover-up': await open(
        join(repositoryRoot, 'drover'),
        ...['up', '--port', '0', '--data', join(dir, 'up'), '--network-mode', 'user'],
      ),
      '0-machines': await open('bench/serve-fakes.ts', '--data', join(dir, 'none')),
      '100-machines': await open('bench/serve-fakes.ts', '--data', join(dir, 'hundred')),
    };
    const peer = await open('bench/serve-constant.ts', 'http1');
    await bootMachines(servers['100-machines']);
    await systemClock.sleep(SETTLE_MS);
    const everyone = [peer, ...Object.values(servers)];
    const samples: Usage[][] = [];
    for (let run = 0; run < (isQuick ? 1 : 3); run += 1) {
      // All at once: who is idle is in nobody's way.
      samples.push(await watch(everyone, isQuick ? 5000 : 20_000));
      progress(
        samples
          .at(-1)
          ?.map(({ rssMb }) => `${rssMb.toFixed(0)} MB`)
          .join(', ') ?? '',
      );
    }
    for (const [at, name] of Object.keys(servers).entries()) yield* compare(name, samples, at + 1);
  },
};

interface Usage {
  readonly rssMb: number;
  readonly cpuPercent: number;
}

async function bootMachines({ url }: ChildServer): Promise<void> {
  const vms = createVmClient(url, devToken('bench'));
  for (let at = 0; at < MACHINES; at += 1) {
    const { vmId } = await vms.createVm({ config: everydayConfig() });
    await vms.bootVm({ vmId });
  }
}

async function watch(servers: readonly ChildServer[], durationMs: number): Promise<Usage[]> {
  const startedMs = performance.now();
  const before = await Promise.all(servers.map(({ pid }) => readCpuMs(pid)));
  await systemClock.sleep(durationMs);
  const after = await Promise.all(servers.map(({ pid }) => readCpuMs(pid)));
  const elapsedMs = performance.now() - startedMs;
  return await Promise.all(
    servers.map(async ({ pid }, at) => ({
      rssMb: (await readRssBytes(pid)) / MEGABYTE,
      cpuPercent: (100 * ((after[at] ?? 0) - (before[at] ?? 0))) / elapsedMs,
    })),
  );
}

/** In each sample the peer stands first. */
function* compare(name: string, samples: readonly Usage[][], at: number): Generator<Comparison> {
  const pairsOf = (read: (usage: Usage) => number): Pair[] =>
    samples.map((sample) => {
      const [ours, peer] = [sample[at], sample[0]];
      if (ours === undefined || peer === undefined) throw new Error('every server was watched');
      return { ours: read(ours), peer: read(peer) };
    });
  yield {
    bench: `idle/${name}/rss`,
    ...summarizePairs(pairsOf(({ rssMb }) => rssMb)),
    unit: 'MB',
    against: AGAINST,
    goal: GOALS.rss,
  };
  yield {
    bench: `idle/${name}/cpu`,
    ...summarizePairs(pairsOf(({ cpuPercent }) => cpuPercent)),
    unit: '% of a core',
    against: AGAINST,
    goal: GOALS.cpu,
  };
}
