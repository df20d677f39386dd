/** Histories that were asked for one by one, on one row of times. */
import type { History } from '#web/api/history.ts';

export type Named = readonly [label: string, history: History];

export interface AlignedSeries {
  readonly times: readonly number[];
  readonly stepS: number;
  readonly series: readonly {
    readonly label: string;
    readonly values: readonly (number | null)[];
  }[];
}

/** The first series of each; all were asked for with one step. What is in none is a gap. */
export function alignSeries(named: readonly Named[]): AlignedSeries {
  const all = new Set(named.flatMap(([, { times }]) => times));
  const times = [...all].toSorted((a, b) => a - b);
  return {
    times,
    stepS: named[0]?.[1].stepS ?? 0,
    series: named.map(([label, history]) => {
      const values = new Map(
        history.times.map((time, at) => [time, history.series[0]?.values[at] ?? null] as const),
      );
      return { label, values: times.map((time) => values.get(time) ?? null) };
    }),
  };
}
