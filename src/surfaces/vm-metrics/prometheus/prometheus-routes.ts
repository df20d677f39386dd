/**
 * The query API of Prometheus, for Grafana and whatever else speaks it. A scope of its own: errors
 * here have the shape that such clients read, and forms are taken as well as query strings.
 */
import type { FastifyInstance } from 'fastify';
import { registerBuildInfo } from './build-info-route.ts';
import { registerLabels } from './labels-route.ts';
import { registerLabelValues } from './label-values-route.ts';
import { registerMetadata } from './metadata-route.ts';
import { sendPrometheusError } from './prometheus-error.ts';
import type { PrometheusParts } from './prometheus-parts.ts';
import { registerQueryRange } from './query-range-route.ts';
import { registerQuery } from './query-route.ts';
import { registerSeriesList } from './series-list-route.ts';

const FORM = 'application/x-www-form-urlencoded';
const MAX_FORM_BYTES = 64 * 1024;

export function registerPrometheusRoutes(app: FastifyInstance, parts: PrometheusParts): void {
  void app.register((scope, _options, done) => {
    scope.setErrorHandler((error, request, reply) => sendPrometheusError(error, request, reply));
    scope.addContentTypeParser(
      FORM,
      { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
      (_request, body, parsed) => parsed(null, body),
    );
    registerQuery(scope, parts);
    registerQueryRange(scope, parts);
    registerSeriesList(scope, parts);
    registerLabels(scope, parts);
    registerLabelValues(scope, parts);
    registerMetadata(scope, parts);
    registerBuildInfo(scope, parts);
    done();
  });
}
