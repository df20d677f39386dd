/** `/api/v1/label/{name}/values`: what a label's values are; of `__name__`, the metrics. */
import type { FastifyInstance } from 'fastify';
import { invalidArgument } from '#kernel/errors.ts';
import { isLabelName } from '#metrics/labels.ts';
import { labelOf } from '#metrics/promql/column.ts';
import type { PrometheusParts } from './prometheus-parts.ts';
import { findSeries, listAnswer } from './series-lookup.ts';

export function registerLabelValues(app: FastifyInstance, parts: PrometheusParts): void {
  app.get<{ Params: { name: string } }>('/api/v1/label/:name/values', async (request) => {
    const { name } = request.params;
    if (!isLabelName(name))
      throw invalidArgument('name', `${JSON.stringify(name)} is no label name`);
    const found = await findSeries(parts, request, { needsSelector: false });
    const values = new Set(found.labels.map((labels) => labelOf(labels, name)));
    values.delete('');
    return listAnswer([...values].toSorted(), found);
  });
}
