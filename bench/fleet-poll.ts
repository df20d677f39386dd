/** What each poll costs with many servers beside what it costs with ten. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openChildServer, repositoryRoot } from './child-server.ts';
import type { BenchmarkOptions, Comparison } from './comparison.ts';
import { measureInTurn, summarizePairs } from './pair.ts';

const FEW = 10;
const PATIENCE_MS = 300_000;
const run = promisify(execFile);

interface Polled {
  readonly pollMs: number;
  /** CPU of making the series of all, once a second. */
  readonly tickMs: number;
  readonly heapMb: number;
}

export async function* comparePolls(options: BenchmarkOptions): AsyncGenerator<Comparison> {
  const { isQuick, progress } = options;
  await using exporters = await openChildServer({ script: 'bench/serve-exporters.ts' });
  const polls = isQuick ? 2000 : 5000;
  const measure = async (servers: number, found: Polled[]) => {
    const script = join(repositoryRoot, 'bench/poll-fleet.ts');
    const args = ['--expose-gc', script, exporters.url, String(servers), String(polls)];
    const { stdout } = await run(process.execPath, args, { timeout: PATIENCE_MS });
    const polled = JSON.parse(stdout) as Polled;
    found.push(polled);
    progress(`${servers} servers: ${stdout.trim()}`);
    return polled.pollMs;
  };
  const against = `the same with ${FEW} servers`;
  for (const many of [100, 1000]) {
    const found = { ours: [] as Polled[], peer: [] as Polled[] };
    const paired = await measureInTurn(
      { runs: isQuick ? 1 : 5, warmups: 0 },
      { ours: () => measure(many, found.ours), peer: () => measure(FEW, found.peer) },
    );
    const bench = `fleet-api/poll/${many}`;
    const goal = { of: 'ratio', atMost: 1.2 } as const;
    yield { bench, ...paired, unit: 'ms of CPU a poll', against, goal };
    for (const [field, unit] of [
      ['tickMs', 'ms of CPU for the series of all, once a second'],
      ['heapMb', 'MB of heap'],
    ] as const) {
      const pairs = found.ours.map((each, at) => ({
        ...{ ours: each[field], peer: found.peer[at]?.[field] ?? Number.NaN },
      }));
      const what = field === 'tickMs' ? 'tick' : 'heap';
      yield { bench: `${bench}-${what}`, ...summarizePairs(pairs), unit, against };
    }
  }
}
