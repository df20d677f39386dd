/** What a benchmark finds out: ours beside a named peer's, and whether that is good enough. */

export interface Comparison {
  /** `BENCH/WHAT`, the same from run to run, so that lines of two runs can be joined. */
  readonly bench: string;
  readonly ours: number;
  readonly peer: number;
  /** Median of the ratios of the pairs, so that what slows both sides of a pair cancels out. */
  readonly ratio: number;
  readonly unit: string;
  readonly runs: number;
  /** What the peer is. */
  readonly against: string;
  readonly goal?: Goal;
}

export type Goal =
  | { readonly of: 'ratio'; readonly atLeast: number }
  | { readonly of: 'ratio'; readonly atMost: number }
  | { readonly of: 'ours'; readonly atLeast: number }
  | { readonly of: 'ours'; readonly below: number };

export interface BenchmarkOptions {
  /** Fewer and shorter runs: to see that it works and where it stands, not to quote. */
  readonly isQuick: boolean;
  readonly progress: (line: string) => void;
}

/** Yields each comparison as soon as it is measured. */
export interface Benchmark {
  readonly name: string;
  readonly summary: string;
  run(options: BenchmarkOptions): AsyncIterable<Comparison>;
}

export function comparisonToLine(comparison: Comparison): string {
  const { bench, ours, peer, ratio, unit, runs, against, goal } = comparison;
  return JSON.stringify({
    bench,
    ours: round(ours),
    peer: round(peer),
    ratio: round(ratio),
    unit,
    runs,
    against,
    ...(goal !== undefined && { goal: goalToText(goal), met: isMet(goal, { ours, ratio }) }),
  });
}

function isMet(goal: Goal, measured: { readonly ours: number; readonly ratio: number }): boolean {
  const value = measured[goal.of];
  if ('atLeast' in goal) return value >= goal.atLeast;
  return 'atMost' in goal ? value <= goal.atMost : value < goal.below;
}

function goalToText(goal: Goal): string {
  if ('atLeast' in goal) return `${goal.of} >= ${goal.atLeast}`;
  return 'atMost' in goal ? `${goal.of} <= ${goal.atMost}` : `${goal.of} < ${goal.below}`;
}

/** Four digits say more than any of these measurements can. A ratio to nothing becomes null. */
function round(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
}
