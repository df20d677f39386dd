/** What was measured over a time: `/api/v1/metrics/range`, in the form that charts take. */
import type { Span } from '#web/format/time-range.ts';
import { getJson } from './http.ts';

export interface HistoryQuestion {
  readonly metric: string;
  readonly span: Span;
  /** Of the samples of a step: `avg`, `max`, `rate`… Default `avg`. */
  readonly fn?: string;
  /** Puts series together: `sum`, `avg`…, keeping apart what `by` names. */
  readonly agg?: string;
  readonly by?: readonly string[];
  /** Labels to choose by: `{ instance: 'web-1' }`. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface HistorySeries {
  readonly metric: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** One for each of `times`; null where nothing was measured. */
  readonly values: readonly (number | null)[];
}

export interface History {
  readonly times: readonly number[];
  readonly stepS: number;
  readonly series: readonly HistorySeries[];
}

export interface RangeAnswer {
  readonly step?: number;
  readonly series: readonly {
    readonly metric?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly points: readonly (readonly [seconds: number, value: number | null])[];
  }[];
}

export async function readHistory(
  question: HistoryQuestion,
  signal?: AbortSignal,
): Promise<History> {
  const { metric, span, fn = 'avg', agg, by, labels = {} } = question;
  const query = {
    'match[]': metric + labelsToSelector(labels),
    ...{ from: span.from, to: span.to, fn, agg, by },
  };
  return alignHistory(await getJson<RangeAnswer>('/api/v1/metrics/range', { query, signal }));
}

/** `{instance="web-1"}`. */
export function labelsToSelector(labels: Readonly<Record<string, string>>): string {
  return `{${labelsToMatchers(labels).join(',')}}`;
}

export function labelsToMatchers(labels: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(labels).map(([name, value]) => `${name}=${quote(value)}`);
}

/** On one row of times, with every step in it: a step that is in no series is a gap in all. */
export function alignHistory({ step = 0, series }: RangeAnswer): History {
  const known = new Set(series.flatMap(({ points }) => points.map(([seconds]) => seconds)));
  const sorted = [...known].toSorted((a, b) => a - b);
  const times = step > 0 ? withEverySlot(sorted, step) : sorted;
  return {
    times,
    stepS: step,
    series: series.map(({ metric, labels, points }) => {
      const values = new Map(points);
      return { metric, labels, values: times.map((seconds) => values.get(seconds) ?? null) };
    }),
  };
}

const MOST_SLOTS = 20_000;

function withEverySlot(sorted: readonly number[], step: number): readonly number[] {
  const [first] = sorted;
  const last = sorted.at(-1);
  if (first === undefined || last === undefined) return [];
  const count = Math.round((last - first) / step) + 1;
  if (count === sorted.length || count > MOST_SLOTS) return sorted;
  return Array.from({ length: count }, (_, at) => first + at * step);
}

function quote(value: string): string {
  return `"${value.replaceAll(/["\\]/g, (letter) => `\\${letter}`).replaceAll('\n', '\\n')}"`;
}
