/** Samples kept in memory, read back as whatever keeps them for real would answer. */
import { DroverError } from '#kernel/errors.ts';
import { compilePattern } from '#metrics/history/label-pattern.ts';
import { createLabels, METRIC_NAME, type Labels } from '#metrics/labels.ts';
import type {
  LabelMatcher,
  MetricMetadata,
  MetricReader,
  SeriesFilter,
  SeriesPoints,
  SeriesSelection,
} from '#metrics/metric-reader.ts';

export interface MemorySeries {
  readonly name: string;
  readonly labels?: Labels;
  /** Instant in milliseconds and value; a value of NaN ends the series. */
  readonly points: readonly (readonly [atMs: number, value: number])[];
}

interface Held {
  readonly labels: Labels;
  readonly points: MemorySeries['points'];
}

export class MemoryMetricReader implements MetricReader {
  readonly #series: readonly Held[];
  readonly #metadata: readonly MetricMetadata[];
  /** What was asked, in order. */
  readonly selections: SeriesSelection[] = [];

  constructor(series: readonly MemorySeries[], metadata: readonly MetricMetadata[] = []) {
    this.#series = series.map(({ name, labels = {}, points }) => ({
      labels: createLabels(Object.entries({ ...labels, [METRIC_NAME]: name })),
      points: points.toSorted(([a], [b]) => a - b),
    }));
    this.#metadata = metadata;
  }

  async select(selection: SeriesSelection, signal: AbortSignal): Promise<readonly SeriesPoints[]> {
    signal.throwIfAborted();
    this.selections.push(selection);
    const { matchers, fromMs, toMs, maxSeries, maxSamples } = selection;
    const found = this.#find(matchers, fromMs, toMs);
    if (found.length > maxSeries) {
      throw refusal(`the query selects ${found.length} series, and ${maxSeries} is the most`);
    }
    const samples = found.reduce((sum, { points }) => sum + points.length, 0);
    if (samples > maxSamples) {
      throw refusal(`the query needs ${samples} samples, and ${maxSamples} is the most`);
    }
    return found.map(({ labels, points }) => ({
      labels,
      times: Float64Array.from(points, ([atMs]) => atMs),
      values: Float64Array.from(points, ([, value]) => value),
      counts: undefined,
    }));
  }

  async series({ matcherLists, fromMs, toMs, limit }: SeriesFilter): Promise<readonly Labels[]> {
    const lists = matcherLists.length === 0 ? [[]] : matcherLists;
    const found = new Set<Labels>();
    for (const matchers of lists) {
      for (const { labels } of this.#find(matchers, fromMs, toMs)) found.add(labels);
    }
    return [...found].slice(0, limit);
  }

  async metadata(): Promise<readonly MetricMetadata[]> {
    return this.#metadata;
  }

  #find(matchers: readonly LabelMatcher[], fromMs: number, toMs: number): Held[] {
    const tests = matchers.map(compileMatcher);
    return this.#series
      .filter(({ labels }) => tests.every((test) => test(labels)))
      .map(({ labels, points }) => ({
        labels,
        points: points.filter(([atMs]) => atMs >= fromMs && atMs <= toMs),
      }))
      .filter(({ points }) => points.length > 0);
  }
}

function compileMatcher({ label, operator, value }: LabelMatcher): (labels: Labels) => boolean {
  const isEqual = operator === '=' || operator === '!=';
  const matches = isEqual ? (text: string) => text === value : compilePattern(value);
  const isWanted = operator === '=' || operator === '=~';
  return (labels) => matches(labels[label] ?? '') === isWanted;
}

function refusal(message: string): DroverError {
  return new DroverError('resource_exhausted', message);
}
