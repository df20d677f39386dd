/** `GET /api/v1/metrics/range`: the values of series over a time, as JSON or CSV. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { customerScopeOf } from '#access/principal.ts';
import { untilAborted } from '#kernel/abort.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { runRangeQuery, scopeSelectors } from '#metrics/range/range-query.ts';
import { weightOf } from '#surfaces/edge/accept.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { parseRangeQuery, RANGE_PARAMETERS } from './parse-range-query.ts';
import { QueryParameters } from '#surfaces/edge/query-parameters.ts';
import type { RangeParts } from './range-parts.ts';
import { rangeToCsv, rangeToJson } from './render-range.ts';

const FORMATS = ['json', 'csv'] as const;

export function registerRange(app: FastifyInstance, { reader, clock }: RangeParts): void {
  // One at a time: each may hold millions of samples, and they share one processor anyway.
  const turns = new SerialQueue();
  app.get('/api/v1/metrics/range', async (request, reply) => {
    const { signal } = request;
    const parameters = new QueryParameters(request, RANGE_PARAMETERS);
    const format = parameters.choice('format', FORMATS) ?? preferredFormat(request);
    const parsed = parseRangeQuery(parameters, clock.nowMs());
    const scope = customerScopeOf(principalOf(request));
    const query = { ...parsed, selectors: scopeSelectors(parsed.selectors, scope) };
    const turn = turns.run(async () => {
      signal.throwIfAborted();
      return await runRangeQuery(query, { reader, clock, signal });
    });
    const answer = await untilAborted(turn, signal);
    const isCut = answer.found > answer.series.length;
    void reply.headers({ 'cache-control': 'no-store', vary: 'accept', 'x-truncated': `${isCut}` });
    if (format === 'json') {
      void reply.type('application/json; charset=utf-8');
      return Readable.from(rangeToJson(query, answer));
    }
    void reply.type('text/csv; charset=utf-8; header=present');
    void reply.header('content-disposition', 'attachment; filename="metrics.csv"');
    return Readable.from(rangeToCsv(answer));
  });
}

function preferredFormat({ headers: { accept } }: FastifyRequest): (typeof FORMATS)[number] {
  if (accept === undefined) return 'json';
  return weightOf(accept, 'text/csv') > weightOf(accept, 'application/json') ? 'csv' : 'json';
}
