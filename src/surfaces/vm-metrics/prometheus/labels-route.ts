/** `/api/v1/labels`: the names of labels. */
import type { FastifyInstance } from 'fastify';
import type { PrometheusParts } from './prometheus-parts.ts';
import { findSeries, listAnswer } from './series-lookup.ts';

export function registerLabels(app: FastifyInstance, parts: PrometheusParts): void {
  app.route({
    method: ['GET', 'POST'],
    url: '/api/v1/labels',
    handler: async (request) => {
      const found = await findSeries(parts, request, { needsSelector: false });
      const names = new Set(found.labels.flatMap((labels) => Object.keys(labels)));
      return listAnswer([...names].toSorted(), found);
    },
  });
}
