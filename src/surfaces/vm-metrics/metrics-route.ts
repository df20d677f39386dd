/**
 * `GET /metrics`: what this host and its machines measure, and then this program itself, as
 * Prometheus text or OpenMetrics, compressed for whoever accepts that.
 */
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { METRICS_CONTENT_TYPE } from '#kernel/metrics-registry.ts';
import { Exposition, type ExpositionFormat } from '#metrics/exposition.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { acceptsEncoding, weightOf } from '#surfaces/edge/accept.ts';
import { setSampleAge } from './get-route.ts';
import type { VmMetricsParts } from './vm-metrics-parts.ts';

const OPENMETRICS = 'application/openmetrics-text';
const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: METRICS_CONTENT_TYPE,
  openmetrics: `${OPENMETRICS}; version=1.0.0; charset=utf-8`,
};
// Most of what there is to gain, at a fraction of the time.
const compress = promisify(gzip);
const GZIP = { level: constants.Z_BEST_SPEED };

export function registerMetrics(app: FastifyInstance, parts: VmMetricsParts): void {
  const { sampler, clock, metrics, table } = parts;
  const expositions = {
    text: new Exposition(table, 'text'),
    openmetrics: new Exposition(table, 'openmetrics'),
  };
  app.get('/metrics', async (request, reply) => {
    // Series of machines name their owners, which is nothing for other customers to read.
    assertOperator(principalOf(request));
    const { accept, 'accept-encoding': encodings } = request.headers;
    const format = preferredFormat(accept);
    setSampleAge(reply, await sampler.sample(request.signal), clock);
    await parts.refresh();
    const end = format === 'openmetrics' ? '# EOF\n' : '';
    const text = `${expositions[format].render()}${metrics.expose(format)}${end}`;
    void reply.type(CONTENT_TYPES[format]).header('vary', 'accept, accept-encoding');
    if (!acceptsEncoding(encodings, 'gzip')) return text;
    void reply.header('content-encoding', 'gzip');
    return await compress(text, GZIP);
  });
}

/** OpenMetrics only for those who ask for it by name, and not less than for plain text. */
function preferredFormat(accept: string | undefined): ExpositionFormat {
  if (accept === undefined || !accept.toLowerCase().includes(OPENMETRICS)) return 'text';
  return weightOf(accept, OPENMETRICS) >= weightOf(accept, 'text/plain') ? 'openmetrics' : 'text';
}
