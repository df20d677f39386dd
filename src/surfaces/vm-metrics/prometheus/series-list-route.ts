/** `/api/v1/series`: the label sets that selectors find. */
import type { FastifyInstance } from 'fastify';
import { compareLabels } from '#metrics/promql/column.ts';
import type { PrometheusParts } from './prometheus-parts.ts';
import { findSeries, listAnswer } from './series-lookup.ts';

export function registerSeriesList(app: FastifyInstance, parts: PrometheusParts): void {
  app.route({
    method: ['GET', 'POST'],
    url: '/api/v1/series',
    handler: async (request) => {
      const found = await findSeries(parts, request, { needsSelector: true });
      return listAnswer(found.labels.toSorted(compareLabels), found);
    },
  });
}
