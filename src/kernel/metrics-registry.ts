/**
 * Counters, gauges and histograms, written out in the Prometheus text format 0.0.4 or as
 * OpenMetrics.
 *
 * Every metric declares its labels, and holds a bounded number of label sets: a value that would
 * open one set too many is dropped and counted, so that no caller can make memory grow by
 * inventing label values.
 */

export type MetricKind = 'counter' | 'gauge' | 'histogram';

/** A value for each declared label. */
export type Labels<Name extends string> = Readonly<Record<Name, string>>;

export interface MetricOptions<Name extends string> {
  readonly name: string;
  /** One sentence, shown as HELP. */
  readonly help: string;
  readonly labels?: readonly Name[];
  /** How many distinct label sets are kept. Default 1000. */
  readonly maxLabelSets?: number;
}

export interface HistogramOptions<Name extends string> extends MetricOptions<Name> {
  /** Upper bounds, rising, without `+Inf`. Default: 1 ms to 60 s, for durations in seconds. */
  readonly buckets?: readonly number[];
}

export interface Counter<Name extends string> {
  /** Adds `by`, which is not negative; 1 when left out. */
  inc(labels: Labels<Name>, by?: number): void;
  /** Forgets one label set: what it counted is gone. */
  remove(labels: Labels<Name>): void;
}

export interface Gauge<Name extends string> {
  set(labels: Labels<Name>, value: number): void;
  add(labels: Labels<Name>, by: number): void;
  /** Forgets one label set: what it measured is gone. */
  remove(labels: Labels<Name>): void;
  /** Forgets all label sets, for a collector that sets them anew each time. */
  clear(): void;
}

export interface Histogram<Name extends string> {
  observe(labels: Labels<Name>, value: number): void;
  /** Observes without looking the labels up again; of no use once they are removed. */
  bind(labels: Labels<Name>): (value: number) => void;
  /** Adds what was counted apart, where a look-up for each value costs too much: see `buckets`. */
  add(labels: Labels<Name>, counted: CountedValues): void;
  /** Forgets one label set: what it measured is gone. */
  remove(labels: Labels<Name>): void;
}

export interface CountedValues {
  /** How many values fell in each bucket, not cumulative; the last is beyond all bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export const DURATION_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
const DEFAULT_MAX_LABEL_SETS = 1000;
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^(?!__)(?!le$)(?!quantile$)[a-zA-Z_][a-zA-Z0-9_]*$/;
// No label value holds it after escaping, so two sets never share a key.
const KEY_SEPARATOR = '\u0000';

export class MetricsRegistry {
  readonly #families = new Map<string, Family>();
  readonly #collectors = new Set<() => void>();
  readonly #dropped: Counter<'metric'>;
  readonly #collectorFailures: Counter<never>;

  constructor() {
    this.#dropped = this.counter({
      name: 'drover_metrics_dropped_label_sets_total',
      help: 'Values dropped because their metric already held its most label sets.',
      labels: ['metric'],
    });
    this.#collectorFailures = this.counter({
      name: 'drover_metrics_collector_failures_total',
      help: 'Failed readings of values that are read when metrics are asked for.',
    });
  }

  counter<Name extends string = never>(options: MetricOptions<Name>): Counter<Name> {
    const family = this.#declare('counter', options, []);
    if (family.labelNames.length === 0) family.open([]);
    return {
      inc: (labels, by = 1) => {
        if (!(by >= 0)) throw new RangeError(`${options.name}: a counter cannot go down`);
        family.change(labels, (series) => (series.value += by));
      },
      remove: (labels) => family.remove(labels),
    };
  }

  gauge<Name extends string = never>(options: MetricOptions<Name>): Gauge<Name> {
    const family = this.#declare('gauge', options, []);
    return {
      set: (labels, value) => family.change(labels, (series) => (series.value = value)),
      add: (labels, by) => family.change(labels, (series) => (series.value += by)),
      remove: (labels) => family.remove(labels),
      clear: () => family.clear(),
    };
  }

  histogram<Name extends string = never>(options: HistogramOptions<Name>): Histogram<Name> {
    const buckets = options.buckets ?? DURATION_BUCKETS;
    if (buckets.some((bound, at) => at > 0 && !(bound > (buckets[at - 1] ?? bound)))) {
      throw new RangeError(`${options.name}: bucket bounds must rise`);
    }
    const family = this.#declare('histogram', options, buckets);
    const observe = (series: Series, value: number) => {
      const at = buckets.findIndex((bound) => value <= bound);
      const bucket = at === -1 ? buckets.length : at;
      series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
      series.value += value;
    };
    return {
      observe: (labels, value) => family.change(labels, (series) => observe(series, value)),
      bind: (labels) => {
        let bound: Series | undefined;
        family.change(labels, (series) => (bound = series));
        return (value) => {
          if (bound === undefined) family.change(labels, (series) => observe(series, value));
          else observe(bound, value);
        };
      },
      add: (labels, { counts, sum }) =>
        family.change(labels, (series) => {
          for (const [at, count] of counts.entries()) {
            series.buckets[at] = (series.buckets[at] ?? 0) + count;
          }
          series.value += sum;
        }),
      remove: (labels) => family.remove(labels),
    };
  }

  /** Calls `collect` before each exposition, to set gauges that are read and not kept. */
  onCollect(collect: () => void): Disposable {
    this.#collectors.add(collect);
    return { [Symbol.dispose]: () => void this.#collectors.delete(collect) };
  }

  /** Everything, families in the order of their names. A failing collector spoils only its own. */
  expose(format: 'text' | 'openmetrics' = 'text'): string {
    for (const collect of this.#collectors) {
      try {
        collect();
      } catch {
        // One broken reading must not cost the operator all the others; it is counted instead.
        this.#collectorFailures.inc({});
      }
    }
    const lines: string[] = [];
    for (const name of [...this.#families.keys()].toSorted()) {
      this.#families.get(name)?.expose(lines, format);
    }
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  /** The same declaration again answers the same family, so that two listeners can share one. */
  #declare(kind: MetricKind, options: MetricOptions<string>, buckets: readonly number[]): Family {
    const labelNames = options.labels ?? [];
    const known = this.#families.get(options.name);
    if (known !== undefined) {
      if (known.kind === kind && known.labelNames.join() === labelNames.join()) return known;
      throw new Error(`metric ${options.name} is declared twice, in two ways`);
    }
    if (!METRIC_NAME.test(options.name)) throw new Error(`bad metric name ${options.name}`);
    const badLabel = labelNames.find((label) => !LABEL_NAME.test(label));
    if (badLabel !== undefined) throw new Error(`bad label name ${badLabel} of ${options.name}`);
    const family = new Family(kind, {
      ...options,
      labels: labelNames,
      maxLabelSets: options.maxLabelSets ?? DEFAULT_MAX_LABEL_SETS,
      buckets,
      onDrop: () => this.#dropped.inc({ metric: options.name }),
    });
    this.#families.set(options.name, family);
    return family;
  }
}

interface Series {
  /** `a="1",b="2"`, escaped once. */
  readonly labelText: string;
  /** The value of a counter or gauge; the sum of a histogram. */
  value: number;
  /** Counts per bucket, not cumulative; the last is `+Inf`. Empty but for histograms. */
  readonly buckets: number[];
}

interface FamilyOptions extends Required<MetricOptions<string>> {
  readonly buckets: readonly number[];
  readonly onDrop: () => void;
}

class Family {
  readonly kind: MetricKind;
  readonly labelNames: readonly string[];
  readonly #options: FamilyOptions;
  readonly #series = new Map<string, Series>();

  constructor(kind: MetricKind, options: FamilyOptions) {
    this.kind = kind;
    this.labelNames = options.labels;
    this.#options = options;
  }

  change(labels: Readonly<Record<string, string>>, apply: (series: Series) => void): void {
    const values = this.#valuesOf(labels);
    const series = this.#series.get(values.join(KEY_SEPARATOR)) ?? this.open(values);
    if (series === undefined) this.#options.onDrop();
    else apply(series);
  }

  /** Starts a label set at zero; undefined when there is room for no more. */
  open(values: readonly string[]): Series | undefined {
    if (this.#series.size >= this.#options.maxLabelSets) return undefined;
    const pairs = this.labelNames.map((name, at) => `${name}="${escapeLabel(values[at] ?? '')}"`);
    const isHistogram = this.kind === 'histogram';
    const buckets = isHistogram ? Array<number>(this.#options.buckets.length + 1).fill(0) : [];
    const series = { labelText: pairs.join(','), value: 0, buckets };
    this.#series.set(values.join(KEY_SEPARATOR), series);
    return series;
  }

  remove(labels: Readonly<Record<string, string>>): void {
    this.#series.delete(this.#valuesOf(labels).join(KEY_SEPARATOR));
  }

  clear(): void {
    this.#series.clear();
  }

  expose(lines: string[], format: 'text' | 'openmetrics'): void {
    if (this.#series.size === 0) return;
    const { name, help } = this.#options;
    // In OpenMetrics a counter's samples end in `_total` and its family does not.
    const isBare = format === 'openmetrics' && this.kind === 'counter';
    const family = isBare ? name.replace(/_total$/, '') : name;
    const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    lines.push(`# HELP ${family} ${format === 'text' ? escaped : escaped.replaceAll('"', '\\"')}`);
    lines.push(`# TYPE ${family} ${this.kind}`);
    for (const series of this.#series.values()) {
      if (this.kind === 'histogram') this.#exposeHistogram(series, lines);
      else lines.push(`${name}${braced(series.labelText)} ${formatValue(series.value)}`);
    }
  }

  #exposeHistogram(series: Series, lines: string[]): void {
    const { name, buckets } = this.#options;
    const start = series.labelText === '' ? '' : `${series.labelText},`;
    let count = 0;
    for (const [at, inBucket] of series.buckets.entries()) {
      count += inBucket;
      const bound = formatValue(buckets[at] ?? Infinity);
      lines.push(`${name}_bucket{${start}le="${bound}"} ${count}`);
    }
    lines.push(`${name}_sum${braced(series.labelText)} ${formatValue(series.value)}`);
    lines.push(`${name}_count${braced(series.labelText)} ${count}`);
  }

  #valuesOf(labels: Readonly<Record<string, string>>): string[] {
    return this.labelNames.map((name) => (labels[name] ?? '').replaceAll(KEY_SEPARATOR, ''));
  }
}

function braced(labelText: string): string {
  return labelText === '' ? '' : `{${labelText}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}
