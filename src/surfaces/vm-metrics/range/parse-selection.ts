/** Which series of which time, as both routes ask for them. */
import { invalidArgument } from '#kernel/errors.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import { METRIC_NAME } from '#metrics/labels.ts';
import type { LabelMatcher } from '#metrics/metric-reader.ts';
import { parseMetricName, parseSelector } from '#metrics/range/parse-selector.ts';
import { parseInstant } from './parse-instant.ts';
import type { QueryParameters } from '#surfaces/edge/query-parameters.ts';

export const SELECTION_PARAMETERS = ['metric', 'match[]', 'from', 'to', 'limit'];

const DEFAULT_RANGE_MS = 60 * MINUTE_MS;
const MOST_SELECTORS = 20;

/**
 * `metric` alone, `match[]` alone, or both: then each metric is looked for with the labels of each
 * selector. No list: neither was given.
 */
export function parseSelectors(parameters: QueryParameters): readonly (readonly LabelMatcher[])[] {
  const metrics = parameters.list('metric').map((name) => parseMetricName(name, 'metric'));
  const selectors = parameters.all('match[]').map((text) => parseSelector(text, 'match[]'));
  if (metrics.length > 0 && selectors.some(namesMetric)) {
    throw invalidArgument('match[]', 'must not name a metric beside metric=; give labels: {a="b"}');
  }
  const combined =
    metrics.length === 0 || selectors.length === 0
      ? [...metrics.map((metric) => [metric]), ...selectors]
      : metrics.flatMap((metric) => selectors.map((matchers) => [metric, ...matchers]));
  if (combined.length <= MOST_SELECTORS) return combined;
  throw invalidArgument(
    selectors.length === 0 ? 'metric' : 'match[]',
    `makes ${combined.length} selectors, and ${MOST_SELECTORS} is the most; a regular ` +
      'expression can stand for many: {__name__=~"node_memory_.*"}',
  );
}

function namesMetric(matchers: readonly LabelMatcher[]): boolean {
  return matchers.some(({ label }) => label === METRIC_NAME);
}

/** The hour that ends with `to`, which is now, unless something else is asked for. */
export function parseTimes(
  parameters: QueryParameters,
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } {
  const [from, to] = [parameters.one('from'), parameters.one('to')];
  const toMs = to === undefined ? nowMs : parseInstant(to, 'to', nowMs);
  const fromMs = from === undefined ? toMs - DEFAULT_RANGE_MS : parseInstant(from, 'from', nowMs);
  if (fromMs <= toMs) return { fromMs, toMs };
  throw invalidArgument('from', 'must not be after to, which is now when it is left out');
}
