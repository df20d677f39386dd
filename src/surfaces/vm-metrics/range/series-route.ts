/** `GET /api/v1/metrics/series`: which series there are. */
import type { FastifyInstance } from 'fastify';
import { customerScopeOf } from '#access/principal.ts';
import { METRIC_NAME, seriesKey, type Labels } from '#metrics/labels.ts';
import { scopeSelectors } from '#metrics/range/range-query.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { parseSelectors, parseTimes, SELECTION_PARAMETERS } from './parse-selection.ts';
import { QueryParameters } from '#surfaces/edge/query-parameters.ts';
import type { RangeParts } from './range-parts.ts';
import { seriesToJson } from './render-range.ts';

const DEFAULT_LIMIT = 1000;
const MOST_SERIES = 10_000;

export function registerSeries(app: FastifyInstance, { reader, clock }: RangeParts): void {
  app.get('/api/v1/metrics/series', async (request, reply) => {
    const parameters = new QueryParameters(request, SELECTION_PARAMETERS);
    const scope = customerScopeOf(principalOf(request));
    const given = parseSelectors(parameters);
    const selectors = given.length === 0 && scope !== undefined ? [[]] : given;
    const limit = parameters.count('limit', MOST_SERIES) ?? DEFAULT_LIMIT;
    const found = await reader.series({
      matcherLists: scopeSelectors(selectors, scope),
      ...parseTimes(parameters, clock.nowMs()),
      // One more than is shown tells whether there are more.
      limit: limit + 1,
    });
    request.signal.throwIfAborted();
    void reply.header('x-truncated', String(found.length > limit));
    void reply.header('cache-control', 'no-store');
    return found.slice(0, limit).toSorted(inOrder).map(seriesToJson);
  });
}

function inOrder(one: Labels, other: Labels): number {
  const [a, b] = [one, other].map((labels) => seriesKey(labels[METRIC_NAME] ?? '', labels));
  return a === b ? 0 : (a ?? '') < (b ?? '') ? -1 : 1;
}
