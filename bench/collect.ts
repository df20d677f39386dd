/**
 * What it costs to measure this host once: CPU time of a sample of ours, with all collectors that
 * correspond to those node_exporter has on by default, beside a scrape of the real node_exporter.
 * Both at the same pace and at the same time, so that what slows one slows the other; so seldom
 * that caches grow cold in between, as they do in earnest.
 */
import { systemClock } from '#kernel/clock.ts';
import { openNodeExporter } from '#test/node-exporter.ts';
import { type ChildServer, openChildServer } from './child-server.ts';
import type { Benchmark } from './comparison.ts';
import { measurePairs } from './pair.ts';
import { readCpuMs } from './process-usage.ts';

const INTERVAL_MS = 100;

interface Usage {
  readonly cpuMs: number;
  readonly samples: number;
  readonly series: number;
}

export const collect: Benchmark = {
  name: 'collect',
  summary: 'CPU time of measuring the host once',
  async *run({ isQuick, progress }) {
    await using stack = new AsyncDisposableStack();
    const exporter = stack.use(await openNodeExporter());
    const ours = stack.use(
      await openChildServer({
        script: 'bench/serve-collectors.ts',
        args: ['--interval', String(INTERVAL_MS)],
      }),
    );
    const scrapes = isQuick ? 20 : 100;
    const pairs = await measurePairs(
      {
        runs: isQuick ? 3 : 9,
        warmups: isQuick ? 1 : 3,
        onPair: (pair) => progress(`${pair.ours.toFixed(3)} ms, ${pair.peer.toFixed(3)} ms`),
      },
      async () => {
        const [before, peerBefore] = [await readUsage(ours), await readCpuMs(exporter.pid)];
        for (let count = 0; count < scrapes; count += 1) {
          await (await fetch(`${exporter.url}/metrics`)).arrayBuffer();
          await systemClock.sleep(INTERVAL_MS);
        }
        const [after, peerAfter] = [await readUsage(ours), await readCpuMs(exporter.pid)];
        return {
          ours: (after.cpuMs - before.cpuMs) / (after.samples - before.samples),
          peer: (peerAfter - peerBefore) / scrapes,
        };
      },
    );
    progress(`${(await readUsage(ours)).series} series of ours`);
    yield {
      bench: 'collect/cpu',
      ...pairs,
      unit: 'ms a sample',
      against: 'a scrape of node_exporter with its default collectors',
      goal: { of: 'ratio', atMost: 0.3 },
    };
  },
};

async function readUsage({ url }: ChildServer): Promise<Usage> {
  return (await (await fetch(url)).json()) as Usage;
}
