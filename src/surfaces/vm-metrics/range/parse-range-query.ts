/** A query string becomes a range query. */
import { invalidArgument } from '#kernel/errors.ts';
import { isLabelName } from '#metrics/labels.ts';
import { AGGREGATIONS } from '#metrics/range/combine-series.ts';
import { MOST_SERIES, stepFor, type RangeQuery } from '#metrics/range/range-query.ts';
import { WINDOW_FUNCTIONS } from '#metrics/range/window-function.ts';
import { parseDuration } from '#metrics/thresholds/duration.ts';
import { parseSelectors, parseTimes, SELECTION_PARAMETERS } from './parse-selection.ts';
import type { QueryParameters } from '#surfaces/edge/query-parameters.ts';

export const RANGE_PARAMETERS = [...SELECTION_PARAMETERS, ...['step', 'fn', 'by', 'agg', 'format']];

const FUNCTIONS = ['raw', ...WINDOW_FUNCTIONS] as const;
const DEFAULT_POINTS = 300;
const SHORTEST_STEP_MS = 100;
const MOST_LABELS = 20;
/** These say how windows are made or put together, and samples as they are have none. */
const WINDOW_PARAMETERS = ['step', 'agg', 'by'];

export function parseRangeQuery(parameters: QueryParameters, nowMs: number): RangeQuery {
  const selectors = parseSelectors(parameters);
  if (selectors.length === 0) {
    throw invalidArgument('metric', 'is missing; give metric=NAME or match[]=NAME{label="value"}');
  }
  const times = parseTimes(parameters, nowMs);
  const limit = parameters.count('limit', MOST_SERIES) ?? MOST_SERIES;
  const fn = parameters.choice('fn', FUNCTIONS) ?? 'last';
  if (fn === 'raw') {
    const superfluous = WINDOW_PARAMETERS.find((name) => parameters.all(name).length > 0);
    if (superfluous !== undefined) {
      throw invalidArgument(superfluous, 'means nothing with fn=raw; use fn=last or another');
    }
    return { selectors, ...times, limit, fn };
  }
  const aggregation = parameters.choice('agg', AGGREGATIONS);
  const by = parseBy(parameters);
  if (by.length > 0 && aggregation === undefined) {
    throw invalidArgument('agg', `is missing; by= goes with one of ${AGGREGATIONS.join(', ')}`);
  }
  const stepMs = parseStep(parameters) ?? stepFor(times.toMs - times.fromMs, DEFAULT_POINTS);
  return { selectors, ...times, limit, fn, stepMs, aggregation, by };
}

function parseBy(parameters: QueryParameters): readonly string[] {
  const labels = parameters.list('by');
  const wrong = labels.find((label) => !isLabelName(label));
  if (wrong !== undefined) throw invalidArgument('by', `${JSON.stringify(wrong)} is no label name`);
  if (labels.length <= MOST_LABELS) return labels;
  throw invalidArgument('by', `must be at most ${MOST_LABELS} labels`);
}

function parseStep(parameters: QueryParameters): number | undefined {
  const text = parameters.one('step');
  if (text === undefined) return undefined;
  const stepMs = parseDuration(text);
  if (stepMs !== undefined && stepMs >= SHORTEST_STEP_MS) return stepMs;
  throw invalidArgument('step', 'must be a length of time such as 15s, 5m or 1h, 100ms at least');
}
