/**
 * Many series at once over a time that moves on. What is known is kept, and only what came since is
 * asked for, so that a chart which goes on each second costs no more than a second of values.
 */
import { keepPreviousData, useQuery, useQueryClient, type QueryKey } from '@tanstack/react-query';
import { spanOf, type Span, type TimeRange } from '#web/format/time-range.ts';
import { getJson } from './http.ts';
import { alignHistory, labelsToSelector, type History, type RangeAnswer } from './history.ts';

export interface WindowQuestion {
  readonly metrics: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly range: TimeRange;
  /** A handy one when left out. */
  readonly stepS?: number;
}

export interface HistoryWindow {
  readonly span: Span;
  readonly history: History;
}

export interface UseHistoryWindowOptions extends WindowQuestion {
  readonly queryKey: QueryKey;
  /** At the least; a longer step makes it longer. */
  readonly everyMs: number;
  readonly enabled?: boolean;
}

/** The newest points may still have changed when they were asked for. */
const POINTS_AGAIN = 2;
/** While values come with each second, a point later than that is no gap. */
const LEAST_STEP_S = 1;

export function useHistoryWindow(options: UseHistoryWindowOptions) {
  const { queryKey, everyMs, enabled = true, ...question } = options;
  const client = useQueryClient();
  return useQuery({
    queryKey,
    enabled,
    queryFn: ({ signal }) => {
      const known = client.getQueryData<HistoryWindow>(queryKey);
      return readWindow(question, known, signal);
    },
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) => {
      // A time that is over does not change.
      if (question.range.kind === 'between') return false;
      return Math.max(everyMs, ((data?.history.stepS ?? LEAST_STEP_S) * 1000) / 2);
    },
  });
}

async function readWindow(
  { metrics, labels, range, stepS }: WindowQuestion,
  known: HistoryWindow | undefined,
  signal: AbortSignal,
): Promise<HistoryWindow> {
  const span = spanOf(range, Date.now());
  const last = known?.history.times.at(-1);
  const step = known?.history.stepS ?? 0;
  const canGoOn = last !== undefined && step > 0 && last > span.from;
  const answer = await getJson<RangeAnswer>('/api/v1/metrics/range', {
    query: {
      ...{ 'match[]': selectorOf(metrics, labels), fn: 'avg' },
      from: canGoOn ? Math.max(span.from, last - POINTS_AGAIN * step) : span.from,
      ...{ to: span.to, step: canGoOn ? step : stepS },
    },
    signal,
  });
  const tail = alignHistory(answer);
  if (known === undefined || !canGoOn) return { span, history: tail };
  return { span, history: extendHistory(known.history, tail, span.from) };
}

/** One for all of them: the number of selectors is bounded. */
function selectorOf(metrics: readonly string[], labels: WindowQuestion['labels'] = {}): string {
  const rest = labelsToSelector(labels).slice(1);
  return `{__name__=~"${metrics.join('|')}"${rest === '}' ? '' : ','}${rest}`;
}

/** What is known from `from` on, and then the tail, which counts where both say something. */
export function extendHistory(known: History, tail: History, from: number): History {
  const until = tail.times[0] ?? Infinity;
  const series = new Map<string, RangeAnswer['series'][number]>();
  for (const { metric, labels, values } of known.series) {
    const points = pointsOf(known.times, values).filter(([at]) => at > from && at < until);
    if (points.some(([, value]) => value !== null)) {
      series.set(keyOf(metric, labels), {
        ...(metric !== undefined && { metric }),
        labels,
        points,
      });
    }
  }
  for (const { metric, labels, values } of tail.series) {
    const key = keyOf(metric, labels);
    const before = series.get(key)?.points ?? [];
    const points = [...before, ...pointsOf(tail.times, values)];
    series.set(key, { ...(metric !== undefined && { metric }), labels, points });
  }
  return alignHistory({ step: known.stepS, series: [...series.values()] });
}

type Point = readonly [seconds: number, value: number | null];

function pointsOf(times: readonly number[], values: readonly (number | null)[]): Point[] {
  return times.map((at, index) => [at, values[index] ?? null]);
}

function keyOf(metric: string | undefined, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return [metric ?? '', ...pairs.toSorted()].join('\n');
}

/** The values of a series over all of a time, with gaps before it began and after it ended. */
export function spreadOver(
  { times, stepS }: History,
  values: readonly (number | null)[],
  { from, to }: Span,
): readonly (number | null)[] {
  if (stepS <= 0) return values;
  const first = Math.floor(from / stepS) + 1;
  const count = Math.max(0, Math.floor(to / stepS) - first + 1);
  const known = new Map(times.map((at, index) => [Math.round(at / stepS), values[index] ?? null]));
  return Array.from({ length: count }, (_, at) => known.get(first + at) ?? null);
}
