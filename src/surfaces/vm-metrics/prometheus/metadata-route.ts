/** `/api/v1/metadata`: what each metric means, and whether it counts up. */
import type { FastifyInstance } from 'fastify';
import { METRIC_NAME } from '#metrics/labels.ts';
import { ApiParameters, scopeMatchersOf } from './api-parameters.ts';
import type { PrometheusParts } from './prometheus-parts.ts';

const MOST_SERIES = 20_000;

export function registerMetadata(app: FastifyInstance, parts: PrometheusParts): void {
  const { reader, clock } = parts;
  app.get('/api/v1/metadata', async (request) => {
    const parameters = new ApiParameters(request);
    const metric = parameters.text('metric');
    const scope = scopeMatchersOf(request);
    let known = await reader.metadata();
    if (scope.length > 0) {
      // A customer learns of the metrics that customer has, and of no others.
      const times = { fromMs: 0, toMs: clock.nowMs() };
      const own = await reader.series({ matcherLists: [scope], ...times, limit: MOST_SERIES });
      const names = new Set(own.map((labels) => labels[METRIC_NAME]));
      known = known.filter(({ name }) => names.has(name));
    }
    const entries = known
      .filter(({ name }) => metric === undefined || name === metric)
      .slice(0, parameters.limit())
      .map(({ name, kind, help }) => {
        const type = kind === 'untyped' ? 'unknown' : kind;
        return [name, [{ type, help, unit: '' }]] as const;
      });
    return { status: 'success', data: Object.fromEntries(entries) };
  });
}
