/**
 * Paired runs: ours and the peer in turn, each first in every other pair, so that a machine that
 * grows warm, busy or throttled meanwhile slows both alike. Medians are taken of the pairs.
 */
import { median } from './statistics.ts';

export interface Pair {
  readonly ours: number;
  readonly peer: number;
}

export interface PairedRuns extends Pair {
  readonly ratio: number;
  readonly runs: number;
}

export interface PairOptions {
  readonly runs: number;
  /** Pairs that are run and thrown away, for compilers and caches to settle. */
  readonly warmups: number;
  readonly onPair?: (pair: Pair) => void;
}

/** For a measurement of one side at a time. */
export async function measureInTurn(
  options: PairOptions,
  measure: { readonly ours: () => Promise<number>; readonly peer: () => Promise<number> },
): Promise<PairedRuns> {
  return await measurePairs(options, async (isOursFirst) => {
    if (isOursFirst) {
      const ours = await measure.ours();
      return { ours, peer: await measure.peer() };
    }
    const peer = await measure.peer();
    return { ours: await measure.ours(), peer };
  });
}

/** For a measurement that itself goes back and forth between the sides. */
export async function measurePairs(
  { runs, warmups, onPair }: PairOptions,
  measure: (isOursFirst: boolean) => Promise<Pair>,
): Promise<PairedRuns> {
  for (let run = 0; run < warmups; run += 1) await measure(run % 2 === 0);
  const pairs: Pair[] = [];
  for (let run = 0; run < runs; run += 1) {
    const pair = await measure(run % 2 === 0);
    pairs.push(pair);
    onPair?.(pair);
  }
  return summarizePairs(pairs);
}

export function summarizePairs(pairs: readonly Pair[]): PairedRuns {
  return {
    ours: median(pairs.map(({ ours }) => ours)),
    peer: median(pairs.map(({ peer }) => peer)),
    ratio: median(pairs.map(({ ours, peer }) => ours / peer)),
    runs: pairs.length,
  };
}
