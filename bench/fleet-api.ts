/**
 * Requests a second of the overview of all servers, through the whole of `drover up`, which polls
 * them meanwhile, beside node:http that writes the same bytes and does nothing else; and what a
 * poll costs the more servers there are.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openChildServer, type ChildServer } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { comparePolls } from './fleet-poll.ts';
import { AS_OPERATOR, openFleetScene } from './fleet-scene.ts';
import { loadHttp1 } from './http1-load.ts';
import { measureInTurn, summarizePairs, type Pair } from './pair.ts';
import { readCpuMs } from './process-usage.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const PATH = '/api/servers/overview';
const AT_ONCE = 16;
const AGAINST = 'node:http writing the same bytes';

export const fleetApi: Benchmark = {
  name: 'fleet-api',
  summary: 'requests a second of the overview of servers, and CPU of a poll',
  async *run(options) {
    for (const servers of [3, 300]) {
      await using ours = await openFleetScene({ servers, interval: '5s' });
      await using scratch = await openScratchDirectory();
      const file = join(scratch.path, 'overview.json');
      const answer = await fetch(`${ours.url}${PATH}`, { headers: AS_OPERATOR });
      await writeFile(file, await answer.text());
      await using peer = await openChildServer({ script: 'bench/serve-bytes.ts', args: [file] });
      yield* compareRates(`fleet-api/${servers}`, { ours, peer }, options);
    }
    yield* comparePolls(options);
  },
};

async function* compareRates(
  name: string,
  { ours, peer }: { readonly ours: ChildServer; readonly peer: ChildServer },
  { isQuick, progress }: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  const durationMs = isQuick ? 1500 : 5000;
  const cpu: Record<'ours' | 'peer', number[]> = { ours: [], peer: [] };
  const measure = async ({ pid, port }: ChildServer, costs: number[]) => {
    const request = { method: 'GET', port, path: PATH, headers: AS_OPERATOR } as const;
    const before = await readCpuMs(pid);
    const { calls, seconds } = await loadHttp1(request, { connections: AT_ONCE, durationMs });
    costs.push((((await readCpuMs(pid)) - before) * 1000) / calls);
    return calls / seconds;
  };
  const warmups = isQuick ? 1 : 2;
  const paired = await measureInTurn(
    {
      ...{ runs: isQuick ? 3 : 9, warmups },
      onPair: (pair) =>
        progress(`${name}: ${Math.round(pair.ours)} against ${Math.round(pair.peer)} requests/s`),
    },
    { ours: () => measure(ours, cpu.ours), peer: () => measure(peer, cpu.peer) },
  );
  const goal = { of: 'ratio', atLeast: 0.5 } as const;
  yield { bench: name, ...paired, unit: 'requests/s', against: AGAINST, goal };
  const pairs = cpu.ours.map((each, at): Pair => ({ ours: each, peer: cpu.peer[at] ?? NaN }));
  const summary = summarizePairs(pairs.slice(warmups));
  yield { bench: `${name}-cpu`, ...summary, unit: 'µs of server CPU a request', against: AGAINST };
}
