/** Programs from their start to their end, ours beside the peer's: the time, and the memory. */
import type { BenchmarkOptions, Comparison } from './comparison.ts';
import { measurePairs, type Pair } from './pair.ts';
import type { ProgramRun } from './program-run.ts';
import { median } from './statistics.ts';

export interface ProgramPairs {
  /** The name before the slash. */
  readonly bench: string;
  readonly against: string;
  /** How much of the peer's time ours may take, and how much memory. */
  readonly atMost: number;
  readonly belowMb: number;
  readonly ours: () => Promise<ProgramRun>;
  readonly peer: () => Promise<ProgramRun>;
}

export async function* comparePrograms(
  { bench, against, atMost, belowMb, ours, peer }: ProgramPairs,
  { isQuick, progress }: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  const peaks: Pair[] = [];
  const { ratio, runs, ...times } = await measurePairs(
    {
      ...{ runs: isQuick ? 3 : 9, warmups: 1 },
      onPair: (pair) => progress(`${Math.round(pair.ours)} ms, ${Math.round(pair.peer)} ms`),
    },
    async (isOursFirst) => {
      const first = isOursFirst ? await ours() : undefined;
      const theirs = await peer();
      const own = first ?? (await ours());
      peaks.push({ ours: own.peakBytes / 1e6, peer: theirs.peakBytes / 1e6 });
      return { ours: own.ms, peer: theirs.ms };
    },
  );
  const time = { bench: `${bench}/wall`, ...times, ratio, unit: 'ms', runs, against };
  yield { ...time, goal: { of: 'ratio', atMost } };
  const [own, theirs] = [peaks.map((peak) => peak.ours), peaks.map((peak) => peak.peer)];
  yield {
    ...{ bench: `${bench}/memory`, ours: median(own), peer: median(theirs), unit: 'MB' },
    ...{ ratio: median(own) / median(theirs), runs: peaks.length, against },
    goal: { of: 'ours', below: belowMb },
  };
}
