/** Many series become one for each combination of the labels asked for. */
import { createLabels, METRIC_NAME, seriesKey, type Labels } from '#metrics/labels.ts';

export const AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'count'] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

export interface WindowedSeries {
  readonly labels: Labels;
  readonly values: Float64Array;
}

type Combine = (kept: number, value: number) => number;

const add: Combine = (kept, value) => kept + value;
const COMBINE: Readonly<Record<Aggregation, Combine>> = {
  sum: add,
  avg: add,
  min: Math.min,
  max: Math.max,
  count: (kept) => kept,
};

/** A window has a value when at least one of its series has. */
export class SeriesCombiner {
  readonly #aggregation: Aggregation;
  readonly #by: ReadonlySet<string>;
  readonly #groups = new Map<string, Group>();

  constructor(aggregation: Aggregation, by: readonly string[]) {
    this.#aggregation = aggregation;
    this.#by = new Set(by);
  }

  get groups(): number {
    return this.#groups.size;
  }

  add({ labels, values }: WindowedSeries): void {
    const kept = createLabels(Object.entries(labels).filter(([name]) => this.#by.has(name)));
    const key = seriesKey('', kept);
    const group = this.#groups.get(key) ?? {
      labels: kept,
      name: labels[METRIC_NAME],
      values: new Float64Array(values.length).fill(NaN),
      counts: new Float64Array(values.length),
    };
    this.#groups.set(key, group);
    if (group.name !== labels[METRIC_NAME]) group.name = undefined;
    const combine = COMBINE[this.#aggregation];
    for (let at = 0; at < values.length; at += 1) {
      const value = values[at] ?? NaN;
      if (Number.isNaN(value)) continue;
      const before = group.values[at] ?? NaN;
      group.values[at] = Number.isNaN(before) ? value : combine(before, value);
      group.counts[at] = (group.counts[at] ?? 0) + 1;
    }
  }

  /** A group of series that are all of one metric keeps its name. */
  finish(): WindowedSeries[] {
    return [...this.#groups.values()].map(({ labels, name, values, counts }) => ({
      labels:
        name === undefined
          ? labels
          : createLabels([...Object.entries(labels), [METRIC_NAME, name]]),
      values: this.#finish(values, counts),
    }));
  }

  #finish(values: Float64Array, counts: Float64Array): Float64Array {
    if (this.#aggregation === 'avg') return values.map((sum, at) => sum / (counts[at] ?? NaN));
    if (this.#aggregation !== 'count') return values;
    return counts.map((count) => (count === 0 ? NaN : count));
  }
}

interface Group {
  readonly labels: Labels;
  name: string | undefined;
  readonly values: Float64Array;
  readonly counts: Float64Array;
}
