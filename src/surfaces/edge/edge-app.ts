/** The Fastify instance of a listener, with all that every route has in common. */
import { LogController, fastify } from 'fastify';
import type { FastifyInstance, FastifyRequest, FastifyServerFactory } from 'fastify';
import type { Principal } from '#access/principal.ts';
import type { Clock } from '#kernel/clock.ts';
import type { DroverError } from '#kernel/errors.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { registerAccessLog } from './access-log.ts';
import { hasBodyDeadline } from './body-deadline.ts';
import { answerClientError } from './client-error.ts';
import type { EdgeLimits } from './edge-limits.ts';
import { ErrorForms } from './error-forms.ts';
import { HttpRefusal, createNotFoundHandler, sendError } from './http-errors.ts';
import type { Logger } from './logger.ts';
import { Navigations } from './navigations.ts';
import { REQUEST_ID_HEADER, createRequestIdSource } from './request-id.ts';
import { RequestLog } from './request-log.ts';
import { RouteTable } from './route-table.ts';
import { Upgrades } from './upgrades.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Aborts with `unavailable` when the listener begins to drain: open streams end then. */
    readonly draining: AbortSignal;
    /** Where surfaces say which WebSockets they answer. */
    readonly upgrades: Upgrades;
    /** Where surfaces say how their failures look. */
    readonly errorForms: ErrorForms;
    /** Where the web page says that it answers navigations. */
    readonly navigations: Navigations;
  }
  interface FastifyRequest {
    /** Set by the authentication of REST routes; null on public ones. */
    principal: Principal | null;
    /** The error that was answered, for the access log. */
    failure: DroverError | null;
  }
}

/**
 * Handlers parse what they are given by themselves. Without these Fastify would load compilers of
 * JSON schemas, which take more memory than all the rest of it.
 */
const NO_SCHEMAS = { buildValidator: refuseSchema, buildSerializer: refuseSchema };

function refuseSchema(): never {
  throw new Error('routes here have no schemas');
}

export interface EdgeAppOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly limits: EdgeLimits;
  readonly draining: AbortSignal;
  readonly metrics?: MetricsRegistry;
  readonly serverFactory?: FastifyServerFactory;
}

export function createEdgeApp(options: EdgeAppOptions): FastifyInstance {
  const { limits, draining, metrics, serverFactory } = options;
  const requestId = createRequestIdSource();
  const app: FastifyInstance = fastify({
    // Fastify itself is given no logger: it would make one for each request, and listen on answers.
    childLoggerFactory: (_none, bindings) => new RequestLog(options.log, bindings),
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'request_id',
    }),
    bodyLimit: limits.bodyBytes,
    genReqId: (raw) => requestId(raw.headers[REQUEST_ID_HEADER]),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, options.log),
    frameworkErrors: (error, request, reply) => sendError(error, request, reply),
    schemaController: { compilersFactory: NO_SCHEMAS },
    ...(serverFactory !== undefined && { serverFactory }),
  });
  app.decorate('draining', draining);
  const limit = limits.upgradedConnections;
  const upgrades = new Upgrades({ ...options, limit });
  app.decorate('upgrades', upgrades);
  app.decorate('errorForms', new ErrorForms());
  app.decorate('navigations', new Navigations());
  app.addHook('onReady', (done) => {
    upgrades.listenTo(app.server);
    done();
  });
  app.decorateRequest('principal', null);
  app.decorateRequest('failure', null);
  const routes = new RouteTable();
  app.addHook('onRoute', ({ url, method, constraints }) => {
    // What is only there for some requests is not there for all.
    if (constraints === undefined) routes.add(url, method);
  });
  // Before the hooks that can refuse, so that refusals are logged and measured too.
  registerAccessLog(app, {
    log: options.log,
    clock: options.clock,
    ...(metrics !== undefined && { metrics }),
  });
  app.addHook('onRequest', (request, reply, done) => {
    // A body that does not come in time is answered past the reply. For all else this is left to
    // the reply: a header that the raw answer has already makes each other one take twice as long.
    if (hasBodyDeadline(request.raw)) reply.raw.setHeader(REQUEST_ID_HEADER, request.id);
    else void reply.header(REQUEST_ID_HEADER, request.id);
    done(refuseHeaders(request.raw, limits));
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler(createNotFoundHandler(routes));
  return app;
}

/** HTTP/1.1 headers of too many bytes never come this far; HTTP/2 ones do. */
function refuseHeaders(raw: FastifyRequest['raw'], limits: EdgeLimits): HttpRefusal | undefined {
  const { rawHeaders } = raw;
  if (rawHeaders.length / 2 > limits.headerCount) {
    const most = `more than ${limits.headerCount} header lines`;
    return new HttpRefusal(431, `the request has ${most}`, 'TOO_MANY_HEADERS');
  }
  if (raw.httpVersionMajor === 1) return undefined;
  let bytes = 0;
  for (const text of rawHeaders) bytes += text.length;
  if (bytes <= limits.headerBytes) return undefined;
  const most = `headers of more than ${limits.headerBytes} bytes`;
  return new HttpRefusal(431, `the request has ${most}`, 'HEADERS_TOO_LARGE');
}
